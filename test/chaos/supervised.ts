/** One process of the product under a supervisor: one that ends by itself or is killed is started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Reaper } from './reaper.js';
import { sleep, until } from './waiting.js';

export interface ProcessSpec {
  readonly name: string; // `triage-1`
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  readonly readyUrl: string;
}

/** One end of a process. `asked`: somebody here wanted it. */
export interface Exit {
  readonly at: number; // epoch ms
  readonly name: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly asked: boolean;
}

const RESTART_MS = 500;

export class Supervised {
  readonly exits: Exit[] = [];
  private child: ChildProcess | undefined;
  private wanted = false;
  private asked = false;
  private gone: Promise<void> = Promise.resolve();

  constructor(
    readonly spec: ProcessSpec,
    private readonly reaper: Reaper,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it, with further variables where given; answers at once, see `ready`. */
  start(env: Readonly<Record<string, string>> = {}): void {
    this.wanted = true;
    const log = openSync(this.spec.logFile, 'a');
    const child = spawn(process.execPath, [this.spec.script], {
      cwd: this.spec.cwd,
      env: { ...inherited(), ...this.spec.env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child = child;
    const { pid } = child;
    if (pid !== undefined) this.reaper.add(pid);
    this.gone = new Promise((done) => {
      child.once('exit', (code, signal) => {
        if (pid !== undefined) this.reaper.drop(pid);
        this.exits.push({ at: Date.now(), name: this.name, code, signal, asked: this.asked || !this.wanted });
        this.asked = false;
        this.child = undefined;
        done();
        if (this.wanted) setTimeout(() => this.wanted && !this.child && this.start(env), RESTART_MS);
      });
    });
  }

  /** SIGKILL; the supervisor starts it again. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.asked = true;
    this.child?.kill('SIGKILL');
    await this.gone;
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** SIGTERM and no restart; SIGKILL after `graceMs`. Answers whether it ended by itself. */
  async stop(graceMs = 30_000): Promise<boolean> {
    this.wanted = false;
    const { child } = this;
    if (!child) return true;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const late = Symbol('late');
    const timer = new AbortController();
    const first = await Promise.race([this.gone, sleep(graceMs, late, { signal: timer.signal })]);
    timer.abort();
    if (first !== late) return true;
    child.kill('SIGKILL');
    await this.gone;
    return false;
  }

  /** Resolves when it says that it is ready. */
  async ready(timeoutMs = 300_000): Promise<void> {
    await until(`${this.name} is ready`, async () => ((await this.isReady()) ? true : undefined), { timeoutMs });
  }

  /** SIGKILL and no restart. */
  async abandon(): Promise<void> {
    this.wanted = false;
    this.child?.kill('SIGKILL');
    await this.gone;
  }

  /** What `/readyz` says now; false when it does not answer. */
  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(this.spec.readyUrl, { signal: AbortSignal.timeout(3_000) });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }
}

/** What a process needs of its surroundings; nothing that would configure the product. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
