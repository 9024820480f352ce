/** The connection to the thread in which PGlite runs, as a socket for postgres.js. */
import { existsSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

export interface ThreadOptions {
  readonly dataDir: string | null; // null: in memory
  readonly copyOf: string | null; // a file that it begins as a copy of
  readonly upkeepMs: number; // how often to look for tables to vacuum and the like
}
export type ToThread = Uint8Array | 'close';
export type FromThread = Uint8Array<ArrayBuffer> | 'ready' | { readonly failed: string };

export interface Link {
  /** A socket to the thread; one that breaks at once when the thread is gone. */
  socket(): Duplex;
  /** Waits until the database is closed and the thread has ended. */
  close(): Promise<void>;
}

/**
 * Starts the thread and waits until its database is open. `onCrash` hears of a thread that ends unasked; what was under
 * way then fails with CONNECTION_CLOSED. Throws Error with what Postgres said when the database does not open.
 */
export async function openLink(options: ThreadOptions, onCrash: (error: Error) => void): Promise<Link> {
  const thread = startThread(options);
  let alive = true;
  let closing = false;
  let cause = 'it was ended';
  let current: ThreadSocket | undefined;
  thread.on('error', (error) => {
    cause = error.message;
  });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  await opened(thread, ended, () => cause);
  void ended.then(() => {
    alive = false;
    current?.destroy(gone());
    if (!closing) onCrash(new Error(cause));
  });
  return {
    socket() {
      current?.destroy();
      current = new ThreadSocket(thread);
      if (!alive) setImmediate((socket: Duplex) => socket.destroy(gone()), current);
      return current;
    },
    async close() {
      closing = true;
      thread.postMessage('close' satisfies ToThread);
      await ended;
    },
  };
}

function opened(thread: Worker, ended: Promise<void>, cause: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('message', (first: FromThread) => {
      if (first === 'ready') return resolve();
      if (!(first instanceof Uint8Array)) reject(new Error(first.failed));
      void thread.terminate(); // a database that did not open leaves handles behind
    });
    void ended.then(() => reject(new Error(cause())));
  });
}

const gone = (): Error => Object.assign(new Error('The embedded database has ended.'), { code: 'CONNECTION_CLOSED' });

/** Run from its sources, by tests, Node cannot read the file: tsx, which is there then, translates it. */
function startThread(options: ThreadOptions): Worker {
  const built = new URL('./pglite-thread.js', import.meta.url);
  if (existsSync(fileURLToPath(built))) return new Worker(built, { workerData: options, execArgv: [] });
  const source = new URL('./pglite-thread.ts', import.meta.url);
  const translated = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import('${source.href}'); })`;
  return new Worker(translated, { eval: true, workerData: options, execArgv: [] });
}

/** Each write is one or more whole messages of the protocol: postgres.js does not split them. */
class ThreadSocket extends Duplex {
  constructor(private readonly thread: Worker) {
    super({ decodeStrings: false });
    thread.on('message', this.receive);
  }
  /** postgres.js asks for it before it ends a socket. */
  get readyState(): 'open' | 'closed' {
    return this.destroyed ? 'closed' : 'open';
  }
  private readonly receive = (message: FromThread) => {
    if (message instanceof Uint8Array) this.push(Buffer.from(message.buffer));
  };
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const bytes = new Uint8Array(chunk);
    this.thread.postMessage(bytes, [bytes.buffer]);
    done();
  }
  override _read(): void {
    // the thread sends what there is when it is there
  }
  override _final(done: () => void): void {
    done();
    this.destroy();
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.thread.off('message', this.receive);
    done(error);
  }
}
