/** The measured programs, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const READY_MS = 60_000;
/** What the image has Node run with; every measured program has it too, unless the environment says otherwise. */
export const NODE_OPTIONS =
  process.env.NODE_OPTIONS ??
  /^ENV NODE_OPTIONS=(.*)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1] ??
  '';

export interface Program {
  readonly name: string;
  readonly args: readonly string[]; // for node
  readonly env: Readonly<Record<string, string>>;
  readonly ready: RegExp; // what its output holds once it works
  readonly readyMs?: number; // how long that may take; a minute
  readonly profile?: string | undefined; // folder for its CPU profile
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly program: Program; // to start it again
  readonly output: () => string;
  /** Ends it as a crash would; resolves when it is gone. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const children = new Set<ChildProcess>();
let started = 0;
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1)); // else they would run on

/** Starts it; resolves when it says that it works. Its output goes to a file, as a supervisor would keep it. */
export async function start(program: Program): Promise<Running> {
  const file = join(folder, `${started++}-${program.name}.log`);
  const handle = openSync(file, 'a');
  const profiling = program.profile ? ['--cpu-prof', `--cpu-prof-dir=${program.profile}`] : [];
  const child = spawn(process.execPath, [...profiling, ...program.args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS, ...program.env },
    stdio: ['ignore', handle, handle],
  });
  closeSync(handle);
  children.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      children.delete(child);
      resolve();
    });
  });
  const output = () => readFileSync(file, 'utf8');
  const until = performance.now() + (program.readyMs ?? READY_MS);
  while (!program.ready.test(output())) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${program.name} did not start:\n${output().slice(-2_000)}`);
    }
    await sleep(50);
  }
  return {
    name: program.name,
    pid: child.pid as number,
    program,
    output,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(forced);
    },
  };
}

export const startAll = (programs: readonly Program[]): Promise<Running[]> => Promise.all(programs.map(start));

export async function stopAll(running: readonly Running[]): Promise<void> {
  await Promise.all(running.map((one) => one.stop()));
}
