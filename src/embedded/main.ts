/** `npm start`: everything in one process, data in `.millrace/`. */

import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Config, ConfigError, EXIT_CONFIG, loadConfig } from '../config.js';
import { ProblemError } from '../core/errors.js';
import { onStopSignal, printProblems } from '../workers/run.js';
import { banner } from './banner.js';
import { type Embedded, openEmbedded } from './compose.js';
import { type FolderLock, lockFolder } from './lock.js';
import { DEMO_TENANT, demoFolder, readPackFolder, samplesOf } from './samples.js';

const STOP_MS = 4_000; // Ctrl-C ends within 5 s

try {
  await start(process.argv.includes('--empty'));
} catch (error) {
  if (error instanceof ConfigError) printProblems(error.problems);
  else if (error instanceof ProblemError) printProblems([error.problem]);
  else process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : 1);
}

async function start(empty: boolean): Promise<void> {
  const started = performance.now();
  const config = loadConfig('embedded');
  await requireFreePort(config);
  const lock = lockFolder(config.home);
  let embedded: Embedded | undefined;
  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    void end(embedded, lock, code);
  };
  onStopSignal(() => {
    process.stdout.write('\nStopping: finishing what is in hand …\n');
    stop(0);
  });
  try {
    embedded = await openEmbedded(config, () => stop(1));
    const url = await embedded.api.listen(config.http);
    const samples = await seedDemo(embedded, empty);
    await writeFile(join(config.home, 'address'), url);
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    const facts = {
      url,
      home: config.home,
      version,
      startedMs: performance.now() - started,
      refilled: embedded.refilled,
      samples,
    };
    process.stdout.write(`${banner(facts)}\n`);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function end(embedded: Embedded | undefined, lock: FolderLock, code: number): Promise<void> {
  setTimeout(() => process.exit(1), STOP_MS + 500).unref();
  await embedded?.stop(STOP_MS - 1_000);
  lock.release();
  process.stdout.write('Stopped. Everything that was accepted is kept; the next start goes on.\n');
  process.exit(code);
}

/** Asks for the port before anything is started, so that a port in use is one line and not a half start. */
async function requireFreePort({ http: { host, port } }: Config<'embedded'>): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(port, host, resolve));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = 'Stop the other program, or choose another port: PORT=7071 npm start';
    if (code === 'EADDRINUSE')
      throw new ProblemError({
        code: 'PORT_IN_USE',
        message: `Port ${port} of ${host} is in use.`,
        path: 'PORT',
        hint,
      });
    throw new ProblemError({
      code: 'PORT_REFUSED',
      message: `Cannot listen on ${host}:${port}: ${message}`,
      path: 'PORT',
      hint,
    });
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** On an empty data folder: tenant `demo`, its pack, and unless told otherwise its samples, sent as a user would. */
async function seedDemo({ api, memory }: Embedded, empty: boolean): Promise<number> {
  const { queries } = memory;
  if ((await queries.listTenants()).length > 0) return 0;
  const files = await readPackFolder(demoFolder());
  await queries.createTenant(DEMO_TENANT);
  const saved = await queries.savePack(DEMO_TENANT, {
    name: 'demo',
    files: Object.fromEntries(files),
    createdBy: 'local',
  });
  await queries.activatePack(DEMO_TENANT, saved.version);
  if (empty) return 0;
  let sent = 0;
  for (const { source, text } of samplesOf(files)) {
    const url = source === 'generic' ? `/exceptions/${DEMO_TENANT}` : `/hooks/${DEMO_TENANT}/${source}`;
    const headers = { 'content-type': 'application/json', host: 'localhost' };
    const answer = await api.inject({ method: 'POST', url, headers, payload: text });
    const body = answer.json() as { readonly items?: readonly unknown[] };
    if (answer.statusCode === 202) sent += body.items?.length ?? 1;
  }
  return sent;
}
