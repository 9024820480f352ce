/** The commands that talk to the API, on a Millrace that runs in this process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../config.js';
import { type Embedded, openEmbedded } from '../embedded/compose.js';
import { demoFolder, readPackFolder } from '../embedded/samples.js';
import { millrace } from '../testing/cli.js';
import { until } from '../testing/until.js';

let home: string;
let embedded: Embedded;
let env: Record<string, string>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
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
afterAll(async () => {
  await embedded.stop(3_000);
  await rm(home, { recursive: true });
});

const run = (line: string, input = '') => millrace(line.split(' '), { env, input });
const Sent = z.object({
  accepted: z.number(),
  refused: z.number(),
  items: z.array(z.object({ id: z.string() })),
  problems: z.array(z.object({ code: z.string(), path: z.string() })),
});
const Shown = z.object({ status: z.string(), events: z.array(z.object({ type: z.string() })) });

async function idOf(document: unknown): Promise<string> {
  const sent = Sent.parse((await run('send demo - --json', JSON.stringify(document))).json());
  return sent.items[0]?.id ?? '';
}
const settled = (id: string, status: string): Promise<unknown> =>
  until(async () => {
    const { status: found } = Shown.parse((await run(`show demo ${id} --json`)).json());
    return found === status ? true : undefined;
  }, `${id} in ${status}`);

describe('send', () => {
  it('a file, found by the address of the data folder, is worked through, and show tells what happened', async () => {
    const { code, out } = await run(`send demo ${demoFolder()}/samples/failed-trade.json`);
    expect(code).toBe(0);
    const [id = ''] = out.split(' ');
    await settled(id, 'RESOLVED');
    const shown = (await run(`show demo ${id}`)).out;
    expect(shown).toMatch(/^status +RESOLVED$/m);
    expect(shown).toMatch(/^1 .* ExceptionIngested +api .* from generic by api$/m);
    expect(shown).toMatch(/^3 .* ExceptionTriaged +triage +2 +settlement, high, 0.9 sure, by rules$/m);
    const { events } = Shown.parse((await run(`show demo ${id} --json`)).json());
    expect(events.at(-1)?.type).toBe('FeedbackCaptured');
  });

  it('more documents than one request takes all arrive, in several requests', async () => {
    const lines = Array.from({ length: 1_203 }, (_, i) => JSON.stringify({ type: 'HEARTBEAT', entity: `h-${i}` })).join(
      '\n',
    );
    expect(await run('send demo -', lines)).toMatchObject({ code: 0, out: '1203 accepted (1203 created).' });
  });

  it('what is refused is told with its place in the file, the rest is sent, and the exit code is 1', async () => {
    const lines = '{"type":"A"}\n\n{"type":"B","severity":"nope"}\n{bad\n{"type":"C"}\n';
    const { code, json } = await run('send demo - --json', lines);
    expect(code).toBe(1);
    const sent = Sent.parse(json());
    expect(sent).toMatchObject({ accepted: 2, refused: 2 });
    expect(sent.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'JSON_INVALID line 4: column 2',
      'SEVERITY_UNKNOWN line 3: severity',
    ]);
  });

  it('one too large among small ones is found', async () => {
    const list = [{ type: 'A' }, { type: 'B', title: 'x', fields: { text: 'x'.repeat(300_000) } }, { type: 'C' }];
    const { code, json } = await run('send demo - --json', JSON.stringify(list));
    expect(code).toBe(1);
    expect(Sent.parse(json())).toMatchObject({
      accepted: 2,
      refused: 1,
      problems: [{ path: expect.stringContaining('item 2') }],
    });
  });

  it('a file that ends too early: what came before it is sent, and the end is told', async () => {
    const { code, out, err } = await run('send demo -', '[{"type":"A"},{"type":');
    expect(code).toBe(1);
    expect(out).toMatch(/created/);
    expect(err).toContain('JSON_TRUNCATED');
  });

  it('a source of the pack reads each document', async () => {
    expect(await run(`send demo ${demoFolder()}/samples/breaks.json --source trades`)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^(?:[0-9a-f-]{36} {2}created\n)+\d accepted \(\d created/),
    });
  });

  it('what was sent is listed, the newest first, by status, and cut where more is there', async () => {
    const id = await idOf({ type: 'HEARTBEAT', entity: 'listed', title: 'A heartbeat is late' });
    await settled(id, 'SUPPRESSED');
    const { out, code } = await run('list demo --status suppressed,resolved');
    expect(code).toBe(0);
    const [head, first] = out.split('\n');
    expect(head).toMatch(/^id +status +category +age +title$/);
    expect(first).toMatch(new RegExp(`^${id} {2}SUPPRESSED +\\S+ +\\d.* +A heartbeat is late$`));
    const one = (await run('list demo --limit 1 --json')).json();
    expect(one).toMatchObject({ items: [{ id }], more: true });
    expect((await run('list demo --limit 1')).err).toContain('--limit 2');
    expect((await run('list demo --limit 250 --json')).json()).toMatchObject({ items: expect.any(Array) });
    expect((await run('list demo --status canceled')).out).toBe('demo has no canceled exceptions.');
  });

  it.each([
    ['list demo --status gone', 'status'],
    ['list demo --limit 0', 'ARGUMENT_INVALID'],
    ['list nope', 'TENANT_UNKNOWN'],
  ])('%s is refused', async (line, wanted) => {
    expect(await run(line)).toMatchObject({ code: 1, err: expect.stringContaining(wanted) });
  });

  it('an id that is unknown names the tenant that was asked, and how to see what it has', async () => {
    for (const command of ['explain', 'show']) {
      const { err } = await run(`${command} demo 00000000-0000-4000-8000-000000000000`);
      expect(err).toContain('The tenant demo has no such exception.');
      expect(err).toContain('millrace list demo');
    }
  });

  it.each([
    ['send nope -', 'TENANT_UNKNOWN'],
    ['send demo /no/such/file', 'FILE_UNREADABLE'],
    ['send demo - --source nope', 'SOURCE_UNKNOWN'],
    ['show demo 00000000-0000-8000-8000-000000000000', 'CASE_NOT_FOUND'],
    ['reingest demo', 'ARGUMENT_MISSING'],
    ['cancel demo 00000000-0000-4000-8000-000000000000 --reason test', 'CASE_NOT_FOUND'],
    ['pipeline --url http://127.0.0.1:1', 'API_UNREACHABLE'],
  ])('%s is refused with %s', async (line, wanted) => {
    const { code, err } = await run(line, '{"type":"A"}');
    expect(code).toBe(1);
    expect(err).toContain(wanted);
    expect((await millrace([...line.split(' '), '--json'], { env, input: '{"type":"A"}' })).out).toContain(wanted);
  });
});

describe('operating', () => {
  it('pipeline shows the six stages and their workers', async () => {
    const { out } = await run('pipeline');
    expect(out.split('\n')[0]).toMatch(/^stage +state +waiting/);
    for (const stage of ['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback'])
      expect(out).toMatch(new RegExp(`^${stage} `, 'm'));
    expect((await run('pipeline --json')).json()).toMatchObject({ stages: expect.any(Array) });
  });

  it('reingest starts an escalated exception over, one by its id and several by status', async () => {
    const id = await idOf({ type: 'NOBODY_KNOWS' });
    await settled(id, 'ESCALATED');
    expect((await run(`reingest demo ${id}`)).out).toContain('reworked');
    await settled(id, 'ESCALATED');
    expect((await run('reingest demo --status ESCALATED --limit 1')).out).toMatch(/^1 found: /);
  });

  it('an exception is taken on by a person, then ended, each with who did it', async () => {
    const id = await idOf({ type: 'NOBODY_KNOWS', entity: 'end' });
    await settled(id, 'ESCALATED');
    expect(await run(`escalate demo ${id} --reason again`)).toMatchObject({ code: 1 });
    const { out } = await run(`resolve demo ${id} --reason repaired --by ann`);
    expect(out).toBe(`${id}  was ESCALATED; resolve by ann is on its way.`);
    await settled(id, 'RESOLVED');
    expect((await run(`show demo ${id}`)).out).toMatch(/CaseCommanded +api +resolve by ann: repaired/);
    expect((await run(`cancel demo ${id} --reason late`)).err).toContain('CASE_CLOSED');
  });

  it('tail prints what happens from now on, until it is stopped', async () => {
    const stop = new AbortController();
    const lines: string[] = [];
    const tailing = millrace(['tail', 'demo', '--json'], {
      env,
      signal: stop.signal,
      onLine: (line) => lines.push(line),
    });
    await until(async () => {
      await run('send demo -', '{"type":"HEARTBEAT","entity":"tail"}');
      return lines.some((line) => line.includes('"CaseSuppressed"')) ? true : undefined;
    }, 'an event of what was sent');
    stop.abort();
    expect((await tailing).code).toBe(0);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ exception: expect.any(String), type: expect.any(String) });
  });

  it('check says that the process of the data folder is ready; commands on its database say who holds it', async () => {
    expect((await run('check')).out).toMatch(/^ok +process +http:\/\/127\.0\.0\.1:\d+ is ready$/m);
  });
});
