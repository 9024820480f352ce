/** The commands that look after a cluster, on a real Postgres and a real Kafka. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { parseKey } from '../api/keys.js';
import { millrace } from '../testing/cli.js';
import { createDatabase, type Database } from '../testing/services/postgres.js';
import { freePort } from '../testing/services/process.js';
import { requireService } from '../testing/services/require.js';

const postgres = requireService('postgres');
const kafka = requireService('kafka');
const DEMO = join(import.meta.dirname, '../../packs/demo');

const Checked = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      detail: z.string(),
      problems: z.array(z.object({ code: z.string(), hint: z.string() })),
    }),
  ),
});
const codesOf = (checked: z.infer<typeof Checked>): string[] =>
  checked.checks.flatMap(({ problems }) => problems.map(({ code }) => code));

postgres.describe('a cluster from nothing', () => {
  kafka.describe('on Kafka', () => {
    let database: Database;
    let env: Record<string, string>;
    beforeAll(async () => {
      database = await createDatabase(postgres.address);
      const runtime = new URL(database.url);
      runtime.username = 'millrace_runtime';
      runtime.password = 'runtime';
      env = {
        MIGRATE_DATABASE_URL: database.url,
        MILLRACE_RUNTIME_PASSWORD: 'runtime',
        DATABASE_URL: runtime.href,
        KAFKA_BOOTSTRAP_SERVERS: kafka.address,
        PARTITIONS: '4',
      };
    });
    afterAll(() => database.drop());
    const run = (line: string, more: Record<string, string> = {}) =>
      millrace(line.split(' '), { env: { ...env, ...more } });

    it('check tells at once what is missing: migrations, and a role that row-level security binds', async () => {
      const { code, json } = await run('check --json', { DATABASE_URL: database.url });
      expect(code).toBe(1);
      expect(codesOf(Checked.parse(json()))).toEqual(expect.arrayContaining(['SCHEMA_BEHIND', 'ROLE_BYPASSES_RLS']));
    });

    it('migrate, topics create, tenants create and packs push make it ready, and may be repeated', async () => {
      for (const again of [false, true]) {
        expect((await run('migrate')).out).toMatch(again ? /^The database is up to date/ : /^Ran 0001_init/);
        expect(await run('topics create')).toMatchObject({ code: 0 });
        expect(await run('tenants create acme')).toMatchObject({
          code: 0,
          out: again ? 'The tenant acme exists.' : 'Created the tenant acme.',
        });
        expect((await run(`packs push acme ${DEMO} --activate`)).out).toMatch(
          again ? /version 1 .*the same files/ : /version 1 of demo is active/,
        );
      }
      expect((await run('tenants list')).out).toMatch(/^tenant .*\nacme +version 1/);
      expect((await run('packs list acme')).out).toMatch(/\n1 +demo .* active$/);
      const checked = Checked.parse((await run('check --json')).json());
      expect(codesOf(checked)).toEqual([]);
      expect(checked.checks.map(({ name }) => name)).toEqual([
        'settings',
        'database',
        'migrations',
        'role',
        'clock',
        'workers',
        'kafka',
        'topics',
        'positions',
      ]);
    });

    it('a key is shown once, listed without its secret, and ends when it is revoked', async () => {
      const made = await run('keys create acme --name dana --scope exceptions:read approvals:decide --expires 90d');
      const parts = parseKey(made.out);
      expect(parts?.tenantId).toBe('acme');
      const { out } = await run('keys list acme');
      expect(out).toMatch(new RegExp(`^${parts?.keyId} +dana .* until .* exceptions:read approvals:decide$`, 'm'));
      expect(JSON.stringify((await run('keys list acme --json')).json())).not.toMatch(/secret|hash/i);
      expect((await run(`keys revoke acme ${parts?.keyId}`)).code).toBe(0);
      expect((await run('keys list acme')).out).toContain('revoked');
      for (const id of [parts?.keyId, '-looks-like-1']) {
        expect(await run(`keys revoke acme ${id}`)).toMatchObject({
          code: 1,
          err: expect.stringContaining('KEY_UNKNOWN'),
        });
      }
      expect((await run('keys create nope --name x')).err).toContain('TENANT_UNKNOWN');
      expect((await run('keys create acme --name x --expires soon')).err).toContain('ARGUMENT_INVALID');
      expect((await run('keys create acme --name x --scope everything')).code).toBe(1);
    });

    it('a partition count that differs from the topics is told by check and by topics create', async () => {
      for (const line of ['check', 'topics create']) {
        const { code, out, err } = await run(line, { PARTITIONS: '5' });
        expect(code).toBe(1);
        expect(out + err).toContain('topic exceptions.tool has 4 partitions, config says 5');
      }
    });

    it('a pack with a mistake is not pushed, and every mistake is told with its place', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pack-'));
      await writeFile(join(folder, 'pack.yaml'), 'name: broken\nseveritys: {}\n');
      await writeFile(
        join(folder, 'triage.yaml'),
        'triage:\n  - name: one\n    when: exception.typ == 1\n    set: { category: x }\n',
      );
      const { code, err } = await run(`packs push acme ${folder}`);
      expect(code).toBe(1);
      expect(err).toMatch(/pack\.yaml:2:1/);
      expect(err).toMatch(/triage\.yaml:3:/);
      expect((await run('packs list acme --json')).json()).toHaveLength(1);
    });
  });
});

it('check tells of a database and a broker that cannot be reached, both at once', async () => {
  const closed = await freePort();
  const env = { DATABASE_URL: `postgres://a:b@127.0.0.1:${closed}/c`, KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${closed}` };
  const { code, out } = await millrace(['check'], { env });
  expect(code).toBe(1);
  expect(out).toContain('DATABASE_UNREACHABLE');
  expect(out).toContain('KAFKA_UNREACHABLE');
  expect(out).not.toContain('a:b');
});

it('wrong settings are all told, with exit code 78', async () => {
  const env = { CONCURRENCY: 'four', KAFKA_BOOTSTRAP_SERVERS: 'kafka' };
  for (const line of ['check', 'config', 'migrate', 'topics create', 'tenants list']) {
    const { code, err } = await millrace(line.split(' '), { env });
    expect(code).toBe(78);
    expect(err).toMatch(/CONFIG_RANGE {2}CONCURRENCY/);
    expect(err).toMatch(/CONFIG_INVALID {2}KAFKA_BOOTSTRAP_SERVERS\[0\]/);
  }
});

it('config prints what holds and hides what is secret', async () => {
  const env = { DATABASE_URL: 'postgres://me:hidden@db/m', MILLRACE_API_KEY: 'hidden', CONCURRENCY: '4' };
  const { code, out } = await millrace(['config'], { env });
  expect(code).toBe(0);
  expect(out).toContain('CONCURRENCY=4\n');
  expect(out).toContain('DATABASE_URL=postgres://me:***@db/m');
  expect(out).not.toContain('hidden');
});

it('a command that needs a database says so when there is none', async () => {
  const { code, err } = await millrace(['tenants', 'list'], {
    env: { MILLRACE_HOME: join(tmpdir(), 'no-such-folder') },
  });
  expect(code).toBe(78);
  expect(err).toContain('DATABASE_URL');
});

it('help names every command, and a slip is answered with what was meant', async () => {
  const { out } = await millrace(['--help']);
  for (const name of ['check', 'migrate', 'topics', 'config', 'tenants', 'packs']) expect(out).toContain(`  ${name}`);
  expect(await millrace(['chekc'])).toMatchObject({ code: 1, err: expect.stringContaining('check') });
});
