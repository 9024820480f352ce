import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type Database, startPostgres } from './postgres.js';
import { requireService } from './require.js';

const server = requireService('postgres');

server.describe('a test database', () => {
  let database: Database;
  let sql: postgres.Sql;
  beforeAll(async () => {
    database = await createDatabase(server.address);
    sql = postgres(database.url, { max: 1 });
  });
  afterAll(async () => {
    await sql.end();
    await database.drop();
  });

  it('answers, is of version 15 or later, and is empty', async () => {
    const [row] = await sql`select current_setting('server_version_num')::int as version,
      (select count(*)::int from pg_tables where schemaname = 'public') as tables`;
    expect(row?.version).toBeGreaterThanOrEqual(150_000);
    expect(row?.tables).toBe(0);
  });

  it('is gone after drop, with sessions still open', async () => {
    const other = await createDatabase(server.address);
    const session = postgres(other.url, { max: 1, onnotice: () => undefined });
    await session`select 1`;
    await other.drop();
    const found = await sql`select 1 from pg_database where datname = ${new URL(other.url).pathname.slice(1)}`;
    expect(found).toHaveLength(0);
    await session.end({ timeout: 0 });
  });

  it('of its own can crash and come back with what was committed', async () => {
    const own = await startPostgres({ own: true });
    const first = postgres(own.address, { max: 1 });
    await first`create table kept as select 42 as answer`;
    await first.end();
    await own.kill();
    await expect(postgres(own.address, { max: 1, connect_timeout: 1 })`select 1`).rejects.toThrow();
    await own.restart();
    const second = postgres(own.address, { max: 1 });
    expect(await second`select answer from kept`).toEqual([{ answer: 42 }]);
    await second.end();
    await own.stop();
  });
});
