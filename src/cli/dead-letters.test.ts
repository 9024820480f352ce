/** `millrace dead-letters` and `millrace replay`, on a Millrace that runs in this process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../config.js';
import { type Embedded, openEmbedded } from '../embedded/compose.js';
import { demoFolder, readPackFolder } from '../embedded/samples.js';
import { policy } from '../stages/policy/stage.js';
import { millrace } from '../testing/cli.js';
import { until } from '../testing/until.js';

let home: string;
let embedded: Embedded;
let env: Record<string, string>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-letters-'));
  const config = loadConfig('embedded', { MILLRACE_HOME: home, LOG_LEVEL: 'silent' }, false);
  embedded = await openEmbedded(config, () => undefined);
  const { queries } = embedded.memory;
  await queries.createTenant('demo');
  const files = Object.fromEntries(await readPackFolder(demoFolder()));
  const { version } = await queries.savePack('demo', { name: 'demo', files, createdBy: 'test' });
  await queries.activatePack('demo', version);
  await writeFile(join(home, 'address'), await embedded.api.listen({ host: '127.0.0.1', port: 0 }));
  env = { MILLRACE_HOME: home };
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await embedded.stop(3_000);
  await rm(home, { recursive: true });
});

const run = (args: string, input = '') => millrace(args.split(' '), { env, input });
const Page = z.object({ items: z.array(z.object({ id: z.string(), exception: z.string().nullable() })) });
const Sent = z.object({ items: z.array(z.object({ id: z.string() })) });
const Shown = z.object({ status: z.string() });

/** Policy fails for every exception until it is repaired: `count` of them are held. Answers how to repair it. */
async function held(count: number, name: string) {
  const repair = vi.spyOn(policy, 'decide').mockImplementation(() => {
    throw new Error('no policy today');
  });
  const documents = Array.from({ length: count }, (_, i) => ({ type: 'HEARTBEAT', entity: `${name}-${i}` }));
  const { items } = Sent.parse((await run('send demo - --json', JSON.stringify(documents))).json());
  const letters = await until(async () => {
    const page = Page.parse((await run('dead-letters list demo --stage policy --limit 200 --json')).json());
    return page.items.length >= count ? page.items : undefined;
  }, `${count} dead letters`);
  return { cases: items.map(({ id }) => id), letters: letters.map(({ id }) => id), repair: () => repair.mockRestore() };
}

const settled = (id: string, status: string): Promise<unknown> =>
  until(async () => {
    const { status: found } = Shown.parse((await run(`show demo ${id} --json`)).json());
    return found === status ? true : undefined;
  }, `${id} in ${status}`);

it('several with one cause are listed, previewed and replayed after a question', async () => {
  const { cases, repair } = await held(3, 'many');
  const { out } = await run('dead-letters list demo');
  expect(out).toMatch(
    /^3 +policy +DECISION_FAILED +ExceptionTriaged +3 .* The policy decision failed: no policy today$/m,
  );
  repair();
  const asked = await run('dead-letters replay demo --code DECISION_FAILED', 'n\n');
  expect(asked).toMatchObject({ code: 1, out: '' });
  expect(asked.err).toMatch(
    /^3 dead letters, 1 cause, 3 exceptions; 0 would call tools again, 0 of those with the same idempotency key\.$/m,
  );
  const replayed = await run('dead-letters replay demo --code DECISION_FAILED --rate 2', 'y\n');
  expect(replayed).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^3 replayed, 0 settled by somebody else, 3 ev/),
  });
  expect(replayed.err).toContain('2 of 3 replayed\n3 of 3 replayed');
  for (const id of cases) await settled(id, 'SUPPRESSED');
  expect((await run('dead-letters replay demo --all --yes')).out).toMatch(/^0 replayed/);
});

it('one is shown with its story and its timeline, edited, replayed, and told apart when it is settled', async () => {
  const { cases, letters, repair } = await held(1, 'one');
  const [id = ''] = letters;
  const shown = await run(`dead-letters show demo ${id}`);
  expect(shown.out).toMatch(new RegExp(`^exception ${cases[0]}, held until this is settled$`, 'm'));
  expect(shown.out).toMatch(/^\S+ \S+ +failed +- +DECISION_FAILED$/m);
  expect(shown.out).toMatch(/^3 .* ExceptionTriaged /m);
  const detail = z
    .object({ input: z.object({ data: z.unknown() }) })
    .parse((await run(`dead-letters show demo ${id} --json`)).json());
  expect((await run(`dead-letters edit demo ${id} -`, '{"triage":{}}')).err).toContain('INPUT_INVALID');
  const edited = await run(`dead-letters edit demo ${id} - --by ann`, JSON.stringify(detail.input.data));
  expect(edited).toMatchObject({ code: 0 });
  repair();
  expect((await run(`dead-letters replay demo ${id} --by ann`)).out).toContain('its exception goes on');
  await settled(cases[0] ?? '', 'SUPPRESSED');
  const again = await run(`dead-letters replay demo ${id}`);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('DEAD_LETTER_SETTLED') });
  expect((await run(`dead-letters show demo ${id}`)).out).toMatch(/edited +ann[\s\S]*replayed +ann/);
});

it('one is discarded with a reason', async () => {
  const { letters } = await held(1, 'gone');
  const [id = ''] = letters;
  expect((await run(`dead-letters discard demo ${id} --reason test`, '')).code).toBe(1);
  expect((await run(`dead-letters discard demo ${id} --reason test --yes --json`)).json()).toMatchObject({
    outcome: 'resumed',
  });
  expect((await run('dead-letters list demo --status discarded')).out).toContain(id);
});

it('one is discarded, and its exception canceled with it', async () => {
  const { letters, cases } = await held(1, 'both');
  const answer = await run(`dead-letters discard demo ${letters[0]} --reason test --cancel --yes --by ann`);
  expect(answer.out).toContain('is discarded');
  await settled(cases[0] ?? '', 'CANCELED');
});

it('what names no tenant is under ~system, and other names are refused', async () => {
  expect((await run('dead-letters list ~system --json')).json()).toEqual({ causes: [], items: [], next: null });
  expect((await run('dead-letters list nope')).err).toContain('TENANT_UNKNOWN');
  expect((await run('dead-letters show demo nope')).err).toContain('DEAD_LETTER_NOT_FOUND');
  expect((await run('dead-letters replay demo')).err).toContain('ARGUMENT_MISSING');
});

it('everything of a stage is sent again', async () => {
  const { code, out } = await run('replay triage --from 0 --tenant demo');
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringMatching(/^6 events of 6 exceptions were sent to triage/),
  });
  expect((await run('replay nowhere')).err).toContain('stage');
});

it('a flood of them halts the worker, and readiness says with which code', async () => {
  const repair = vi.spyOn(policy, 'decide').mockImplementation(() => {
    throw new Error('no policy today');
  });
  const documents = Array.from({ length: 30 }, (_, i) => ({ type: 'HEARTBEAT', entity: `flood-${i}` }));
  await run('send demo -', JSON.stringify(documents));
  const body = await until(async () => {
    const answer = await embedded.api.inject({ url: '/readyz?verbose', headers: { host: 'localhost' } });
    return answer.statusCode === 503 ? answer.body : undefined;
  }, 'readiness to be red');
  expect(body).toMatch(
    /\[-\]progress failed: \d+ dead letters within a minute .* DECISION_FAILED: look at the newest dead/,
  );
  repair.mockRestore();
});
