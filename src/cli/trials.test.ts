/** `explain`, `simulate` and `backtest` on a case that really went through the pipeline. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { type ServedApi, serveApi } from '../testing/api.js';
import { millrace } from '../testing/cli.js';
import { memoryStore } from '../testing/pglite.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';

const FILES: Readonly<Record<string, string>> = {
  'pack.yaml': 'name: acme\ngroups: { desk: [ann, bob] }\n',
  'triage.yaml': `triage:
  - name: big trade
    when: exception.type == 'FAIL' && exception.fields.amount > 1000
    set: { category: settlement, severity: critical }
  - { name: trade, when: exception.type == 'FAIL', set: { category: settlement } }
  - { name: heartbeat, when: exception.type == 'BEAT', set: { category: noise } }
`,
  'policies.yaml': `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: triage.category == 'noise', effect: suppress }
  - { name: big ones are asked, when: triage.severity == 'critical', effect: require_approval, approval: { from: [group:desk] } }
`,
};

describe('trying a pack from the terminal', () => {
  let folder: string;
  let pipeline: Pipeline;
  let served: ServedApi;
  const ids: string[] = [];
  const run = (...args: string[]) => millrace(args, { env: { MILLRACE_URL: `http://127.0.0.1:${served.port}` } });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-pack-'));
    const candidate = { ...FILES, 'triage.yaml': (FILES['triage.yaml'] as string).replace('> 1000', '> 500') };
    for (const [path, text] of Object.entries(candidate)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const memory = await memoryStore();
    const log = createEmbeddedLog();
    const rest = { partitions: 1, epoch: 1, allowPrivate: [], filesRoot: folder };
    pipeline = await openPipeline({ memory, log, files: new Map(Object.entries(FILES)), ...rest });
    served = await serveApi({ memory, log });
    await pipeline.startWorkers();
    for (const [type, amount] of [
      ['FAIL', 700],
      ['FAIL', 5_000],
      ['FAIL', 10],
      ['BEAT', 0],
    ] as const) {
      const { items } = await pipeline.report({ type, title: `${type} of ${amount}`, fields: { amount } });
      const id = items[0]?.id as string;
      await pipeline.settled(id, 'ESCALATED', 'SUPPRESSED');
      ids.push(id);
    }
  });
  afterAll(async () => {
    await served.close();
    await pipeline.stopWorkers();
    await pipeline.log.close();
    await pipeline.memory.close();
    await rm(folder, { recursive: true });
  });

  it('explain says what was false, with the value that it saw', async () => {
    const { code, out } = await run('explain', pipeline.tenantId, ids[0] as string);
    expect(code).toBe(0);
    expect(out).toContain('ESCALATED: It needs a person: no policy allows it (POLICY_DENIED).');
    expect(out).toContain('exception.fields.amount > 1000  false  exception.fields.amount = 700');
    const why = await run('explain', pipeline.tenantId, ids[0] as string, '--rule', 'heartbeat');
    expect(why.out).toContain("exception.type == 'BEAT'  false");
  });

  it('backtest names the case that changes and the rule, writes the page, and holds the gate', async () => {
    const page = join(folder, '..', `${ids[0]}.html`);
    const args = ['backtest', pipeline.tenantId, folder, '--since', '1h', '--html', page];
    const { code, out, err } = await run(...args, '--gate', 'changed == 0');
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('1 change  25 %');
    expect(out).toContain(
      'now matches; before: exception.fields.amount > 1000 was false (exception.fields.amount = 700)',
    );
    expect(out).toContain('refused  changed == 0');
    expect(await readFile(page, 'utf8')).toContain('FAIL of 700');
    await rm(page);
    expect((await run(...args.slice(0, 5), '--gate', 'changed < 50% && suppressed_critical == 0')).code).toBe(0);
  });

  it('a gate that does not pass keeps the version and does not activate it; one that passes does', async () => {
    const push = ['packs', 'push', pipeline.tenantId, folder, '--since', '1h', '--gate'];
    const refused = await run(...push, 'changed == 0');
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('FAIL of 700');
    expect(refused.out).toMatch(/version 2 of \w+ is kept/);
    expect(await pipeline.memory.queries.packSource.activeVersion(pipeline.tenantId)).toBe(1);
    const passed = await run(...push, 'changed < 50%');
    expect(passed).toMatchObject({ code: 0, out: expect.stringMatching(/version 2 of \w+ is active/) });
    expect(await pipeline.memory.queries.packSource.activeVersion(pipeline.tenantId)).toBe(2);
    expect((await run('packs', 'rollback', pipeline.tenantId)).code).toBe(0);
  });

  it('simulate tells the decisions, and makes a case of the past a test of the pack', async () => {
    const recorded = await run('simulate', folder, '--record', ids[0] as string, '--tenant', pipeline.tenantId);
    expect(recorded.err).toBe('');
    expect(recorded.out).toContain('tests/fail.yaml and samples/fail.json are written.');
    const simulated = await run('simulate', folder, '--input', join(folder, 'samples/fail.json'));
    expect(simulated.out).toContain('require_approval of group:desk');
  });

  it('a pack that does not compile tells every problem', async () => {
    await writeFile(join(folder, 'tools.yaml'), 'tools: { a: { use: nothing } }\n');
    const { code, err } = await run('backtest', pipeline.tenantId, folder);
    expect(code).toBe(1);
    expect(err).toContain('tools.yaml:1:');
  });
});
