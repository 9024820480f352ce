import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPgliteStore } from '../store/open.js';
import { makeTenant, type ServedApi, serveApi } from '../testing/api.js';
import { millrace } from '../testing/cli.js';

const DEMO = join(import.meta.dirname, '../../packs/demo');

let home: string;
let folder: string; // a pack of its own for each test
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'packs-'));
  folder = join(home, 'acme');
  await cp(DEMO, folder, { recursive: true });
  return () => rm(home, { recursive: true });
});
const change = async (file: string, from: string, to: string) => {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
};
const run = (line: string, env: Record<string, string> = {}) =>
  millrace(line.split(' '), { env: { MILLRACE_HOME: home, ...env } });

describe('without a server', () => {
  it('validate tells every problem as an editor understands it, and fails', async () => {
    await change('triage.yaml', 'triage:', 'triage:\n  - name: bad\n    when: exception.typ == 1\n    sets: {}');
    await writeFile(join(folder, 'tests/bad.yaml'), 'input: samples/nothing.json\nexpect: {}\n');
    const { code, err } = await run(`packs validate ${folder}`);
    expect(code).toBe(1);
    const lines = err.split('\n');
    expect(lines.filter((line) => line.startsWith(folder))).toEqual([
      `${folder}/tests/bad.yaml:1:8 SAMPLE_UNKNOWN There is no file \`samples/nothing.json\` in the pack.`,
      expect.stringMatching(/triage\.yaml:\d+:5 FIELD_MISSING `set` is missing\.$/),
      expect.stringMatching(/triage\.yaml:\d+:11 EXPR_UNKNOWN /),
      expect.stringMatching(/triage\.yaml:\d+:5 FIELD_UNKNOWN Unknown word `sets`\.$/),
    ]);
    expect(err).toContain('  → Did you mean `type`?');
    expect(lines.at(-1)).toBe('4 problems in 2 files.');
    const json = await run(`packs validate ${folder} --json`);
    expect(json.code).toBe(1);
    expect(json.json()).toMatchObject({
      valid: false,
      problems: [{ code: 'SAMPLE_UNKNOWN', line: 1, column: 8 }, {}, {}, {}],
    });
  });

  it('init writes a pack that validates and whose test passes, with schemas for the editor', async () => {
    const made = join(home, 'My Desk');
    const say = (...args: string[]) => millrace(['packs', ...args], { env: { MILLRACE_HOME: home } });
    expect((await say('init', made)).out).toMatch(/^my-desk: 9 files are in /);
    expect(await say('validate', made)).toMatchObject({ code: 0, out: 'my-desk: 9 files, no problems.' });
    expect(await say('test', made)).toMatchObject({ code: 0, out: expect.stringMatching(/1 test, all pass\.$/) });
    const playbook = await readFile(join(made, 'playbooks/retry-payment.yaml'), 'utf8');
    expect(playbook.split('\n')[0]).toBe('# yaml-language-server: $schema=../.schema/playbook.json');
    expect(JSON.parse(await readFile(join(made, '.schema/playbook.json'), 'utf8'))).toHaveProperty('properties.steps');
    expect((await say('init', made)).err).toContain('FOLDER_EXISTS');
    expect((await say('schema', 'triage.yaml')).json()).toHaveProperty('properties.triage');
    expect((await say('schema')).json()).toHaveProperty('tools');
    expect((await say('schema', 'triag')).err).toContain('Did you mean `triage`?');
    expect((await say('schema', '--out', join(home, 'schemas'))).out).toContain('7 schemas are in');
  });

  it('validate says that a pack is sound, and what is no pack', async () => {
    expect(await run(`packs validate ${folder}`)).toMatchObject({ code: 0, err: '' });
    expect((await run(`packs validate ${folder} --json`)).json()).toMatchObject({ valid: true, name: 'demo' });
    expect(await run(`packs validate ${home}/nowhere`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('PACK_FOLDER'),
    });
    await writeFile(join(folder, 'samples/huge.json'), ' '.repeat(11_000_000));
    expect((await run(`packs validate ${folder}`)).err).toContain('PACK_TOO_LARGE');
  });

  it('test says which tests pass, and in which words the decision is another one', async () => {
    const sound = await run(`packs test ${folder}`);
    expect(sound).toMatchObject({
      code: 0,
      out: expect.stringMatching(/✓ tests\/noise\.yaml\ndemo: 4 tests, all pass\.$/),
    });
    await change('tests/noise.yaml', 'category: noise', 'category: rumour');
    const { code, out } = await run(`packs test ${folder}`);
    expect(code).toBe(1);
    expect(out).toContain(
      [
        '✗ tests/noise.yaml',
        `  ${folder}/tests/noise.yaml:5:23 triage.category`,
        '    - "rumour"  expected',
        '    + "noise"  decided',
        'demo: 4 tests, 1 fail.',
      ].join('\n'),
    );
    expect((await run(`packs test ${folder} --json`)).json()).toMatchObject({ passed: 3, failed: 1 });
    await change('tests/noise.yaml', 'source: generic', 'source: generic\ngiven: { steps.lok: {} }');
    expect((await run(`packs test ${folder}`)).out).toMatch(
      /noise\.yaml:4:\d+ GIVEN_UNKNOWN .*\n +→ Did you mean `look`\?/,
    );
    await rm(join(folder, 'tests'), { recursive: true });
    expect((await run(`packs test ${folder}`)).out).toContain('demo: no tests.');
  });
});

describe('by the API', () => {
  let served: ServedApi;
  let tenant: string;
  beforeAll(async () => {
    served = await serveApi();
  });
  beforeEach(async () => {
    tenant = await makeTenant(served.memory);
  });
  afterAll(() => served?.close());
  const kept = (line: string) =>
    run(line.replaceAll('TENANT', tenant), { MILLRACE_URL: `http://127.0.0.1:${served.port}` });

  it('a pack is pushed, activated, changed, compared, rolled back and shown', async () => {
    expect((await kept(`packs push TENANT ${folder}`)).out).toMatch(
      /version 1 of demo is kept \(21 files\)\.\nMake it decide: millrace packs activate/,
    );
    expect((await kept('packs activate TENANT 1 --by ann')).out).toBe(`${tenant}: version 1 is active.`);
    await change('triage.yaml', '1000000', '2000000');
    expect((await kept(`packs diff TENANT active ${folder} --exit-code`)).code).toBe(1);
    const pushed = await kept(`packs push TENANT ${folder} --activate --expected 1 --reason less --by bob --json`);
    expect(pushed.json()).toMatchObject({ tenant, version: 2, created: true, active: true });
    const { out } = await kept('packs diff TENANT 1 2');
    expect(out).toMatch(
      /^version 1 → version 2\n\n~ rule .* {2}triage\.yaml\n {4}when\n {6}- .*1000000.*\n {6}\+ .*2000000/,
    );
    expect(out).toMatch(/\n--- version-1\/triage\.yaml\n\+\+\+ version-2\/triage\.yaml\n@@ .* @@\n/);
    expect((await kept('packs diff TENANT 1 2 --no-text')).out).not.toContain('@@');
    expect(await kept('packs diff TENANT 2 newest --exit-code')).toMatchObject({
      code: 0,
      out: 'version 2 and version 2 are the same.',
    });
    expect((await kept('packs activate TENANT 1 --expected 1')).err).toMatch(/PACK_ACTIVE_CHANGED/);
    expect((await kept('packs rollback TENANT')).out).toBe(`${tenant}: version 1 is active again; before: version 2.`);
    expect((await kept('packs list TENANT')).out).toMatch(/\n2 +demo .*\n1 +demo .* active$/);
    expect((await kept('packs list TENANT --activations')).out).toMatch(
      /\n3 .* rollback +1 +2 .*\n2 .* activate +2 +1 +bob +less\n1 .* activate +1 +- +ann/,
    );
    expect((await kept('packs show TENANT')).out).toMatch(/^version 1 of demo, active\n.*\n\nfile .*\nREADME\.md/);
    expect((await kept('packs show TENANT 2 --file triage.yaml')).out).toContain('2000000');
    expect((await kept('packs show TENANT 2 --file x.yaml')).err).toContain('FILE_UNKNOWN');
    expect((await kept(`packs show TENANT 2 --out ${home}/out`)).code).toBe(0);
    expect(await readFile(join(home, 'out/triage.yaml'), 'utf8')).toContain('2000000');
    expect((await kept(`packs show TENANT 2 --out ${home}/out`)).err).toContain('FOLDER_EXISTS');
    expect(await kept('packs show TENANT 9')).toMatchObject({
      code: 1,
      err: expect.stringContaining('PACK_VERSION_UNKNOWN'),
    });
    expect((await kept('packs activate TENANT first')).err).toContain('VERSION_INVALID');
  });

  it('a running embedded Millrace is found by its folder', async () => {
    await mkdir(join(home, 'db'));
    await writeFile(join(home, 'lock'), `${process.ppid}`);
    await writeFile(join(home, 'address'), `http://127.0.0.1:${served.port}`);
    expect((await run(`packs push ${tenant} ${folder} --activate`)).out).toMatch(/version 1 of demo is active/);
    expect(await served.memory.queries.packSource.activeVersion(tenant)).toBe(1);
  });
});

it('an embedded Millrace at rest is changed in its database', async () => {
  const memory = await createPgliteStore({ dataDir: join(home, 'db') });
  await memory.queries.createTenant('acme');
  await memory.close();
  expect((await run(`packs push acme ${folder} --activate --expected 0`)).out).toBe(
    'acme: version 1 of demo is active (21 files).',
  );
  expect((await run('packs list acme --activations --json')).json()).toMatchObject([{ version: 1, by: 'cli' }]);
});
