/** The thread in which PGlite runs: messages of the Postgres protocol come in as bytes, the answers go out as bytes. */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { FromThread, ThreadOptions, ToThread } from './pglite-link.js';
import { answersGiven, answersOwed } from './pglite-messages.js';
import { upkeepDue } from './pglite-upkeep.js';

const SETTINGS = {
  jit: 'off',
  timezone: 'UTC',
  shared_buffers: '32MB', // PGlite's default costs 130 MB more; what is not here comes from the system's file cache
  default_statistics_target: '10', // statistics are gathered between two transactions, so they must be quick
};
const FAILURE = /(ERROR|FATAL|PANIC): .*/;

const port = parentPort;
if (port === null) throw new Error('This file is a thread; it is started by pglite-link.');
const tell = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

/** Postgres' last complaint, without its time and process: why it does not start, or why it ended. */
let said: string | undefined;

class DatabaseThread {
  private last: Promise<void> = Promise.resolve();
  private look = false; // time to look for what is due
  private due: string[] = [];

  constructor(
    private readonly db: PGlite,
    upkeepMs: number,
  ) {
    setInterval(() => {
      this.look = true;
      this.inTurn(() => this.upkeep());
    }, upkeepMs).unref();
  }

  /** One after the other; what throws ends the thread. */
  inTurn(work: () => Promise<void>): void {
    this.last = this.last.then(work);
  }

  async answer(message: Uint8Array): Promise<void> {
    const parts: Uint8Array[] = [];
    // The streaming call: the others also parse what goes out, and keep it.
    await this.db.execProtocolRawStream(message, { syncToFs: false, onRawData: (bytes) => parts.push(bytes.slice()) });
    const bytes = joined(parts);
    // Postgres may have aborted after it had answered what came first.
    if (answersGiven(bytes) < answersOwed(message)) throw new Error(said ?? 'it answers no more');
    tell(bytes, [bytes.buffer]);
    await this.upkeep();
  }

  /** One command at a time, so that transactions wait for one at most. */
  private async upkeep(): Promise<void> {
    if ((!this.look && this.due.length === 0) || this.db.isInTransaction()) return;
    try {
      if (this.look) this.due = await upkeepDue(this.db);
      this.look = false;
      const command = this.due.shift();
      if (command !== undefined) await this.db.exec(command);
    } catch {
      this.due = []; // the next look finds it again
    }
    if (this.due.length > 0) setImmediate(() => this.inTurn(() => this.upkeep()));
  }

  async close(): Promise<void> {
    await this.db.close();
    port?.close();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function open({ dataDir, copyOf }: ThreadOptions): Promise<PGlite> {
  return PGlite.create({
    ...(dataDir !== null && { dataDir }),
    ...(copyOf !== null && { loadDataDir: new Blob([await readFile(copyOf)]) }),
    startParams: [
      ...PGlite.defaultStartParams,
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    onStderr: (line) => {
      said = FAILURE.exec(line)?.[0] ?? said;
      return false;
    },
  });
}

const options = workerData as ThreadOptions;
try {
  const thread = new DatabaseThread(await open(options), options.upkeepMs);
  port.on('message', (message: ToThread) =>
    thread.inTurn(() => (message === 'close' ? thread.close() : thread.answer(message))),
  );
  tell('ready');
} catch (error) {
  tell({ failed: said ?? (error as Error).message });
}
