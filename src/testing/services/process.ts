/** Server processes that end with the process that started them, however that one ends. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerProcess {
  readonly exited: boolean;
  /** Sends the signal to the server; resolves when it is gone, by SIGKILL if it outlives `graceMs`. */
  end(signal: NodeJS.Signals, graceMs?: number): Promise<void>;
  /** Passes `ready` on; if it rejects, no server is left behind. */
  endUnless(ready: Promise<void>): Promise<void>;
}

// The shell between watches its standard input: it closes when the starter is gone, even by SIGKILL.
const WATCH = `
exec 3<&0
"$@" 3<&- </dev/null 1>&2 & server=$!
echo "$server"
{ read -r _ <&3; trap '' TERM; kill -KILL "$server"; sleep 1; rm -rf "$SERVICE_DIR"; } 2>/dev/null 1>&2 & watch=$!
wait "$server"; code=$?
kill "$watch" 2>/dev/null
exit "$code"`;

/** Starts a server in the background; what it prints goes to `logFile`. `dir` is deleted if the starter dies. */
export async function startServer(
  command: readonly string[],
  options: { dir: string; logFile: string; user?: User | undefined },
): Promise<ServerProcess> {
  const shell = spawn('/bin/sh', ['-c', WATCH, 'sh', ...command], {
    cwd: options.dir,
    env: { ...process.env, SERVICE_DIR: options.dir },
    stdio: ['pipe', 'pipe', openSync(options.logFile, 'a')],
    detached: true, // Ctrl-C in the terminal is for the starter; it stops the servers itself
    ...options.user,
  });
  let exited = false;
  const gone = new Promise<void>((done) => {
    shell.once('exit', () => {
      exited = true;
      shell.stdin?.destroy();
      done();
    });
  });
  const pid = await new Promise<number>((done, fail) => {
    shell.once('error', fail);
    shell.stdout?.once('data', (chunk: Buffer) => done(Number.parseInt(chunk.toString(), 10)));
    shell.once('exit', () => fail(new Error('the shell ended before it started the server')));
  });
  shell.unref();
  const end = async (signal: NodeJS.Signals, graceMs = 10_000) => {
    const send = (name: NodeJS.Signals) => void (exited || process.kill(pid, name));
    send(signal);
    const timer = setTimeout(() => send('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  };
  return {
    get exited() {
      return exited;
    },
    end,
    endUnless: (ready) =>
      ready.catch(async (error) => {
        await end('SIGKILL');
        throw error;
      }),
  };
}

/** A free port below the range that the system gives to outgoing connections, so that it is still free at a restart. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(20_000, 32_000);
    if (await canListen(port)) return port;
  }
  throw new Error('no free port between 20000 and 32000');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
