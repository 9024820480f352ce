/** The sink as a child process, so that nothing that happens here slows its answers. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { SinkOptions } from './sink.js';

export interface Outside {
  readonly host: string; // host:port
  readonly url: string;
  stop(): void;
}

export async function startOutside(options: SinkOptions): Promise<Outside> {
  const child = fork(join(import.meta.dirname, 'sink-main.ts'), [], { execArgv: ['--import', 'tsx'] });
  const answer = new Promise<{ port?: number; error?: string }>((done, fail) => {
    child.once('message', done);
    child.once('exit', (code) => fail(new Error(`the sink ended at its start with code ${code}`)));
  });
  child.send(options);
  const { port, error } = await answer;
  if (port === undefined) throw new Error(`the sink did not start: ${error}`);
  const host = `127.0.0.1:${port}`;
  return { host, url: `http://${host}`, stop: () => void child.kill() };
}
