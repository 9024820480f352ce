import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** Each file breaks the rule beside it; `imports` are written as type-only imports, the weakest kind. */
const BREAKS: readonly { rule: string; file: string; imports: string }[] = [
  { rule: 'core-alone', file: 'src/core/a.ts', imports: '../runtime/shell.js' },
  { rule: 'core-packages', file: 'src/core/b.ts', imports: 'yaml' },
  { rule: 'packs-on-core', file: 'src/packs/a.ts', imports: '../stages/triage/decide.js' },
  { rule: 'stages-on-packs', file: 'src/stages/policy/a.ts', imports: '../../runtime/shell.js' },
  { rule: 'stage-alone', file: 'src/stages/policy/b.ts', imports: '../triage/decide.js' },
  { rule: 'runtime-on-ports', file: 'src/runtime/a.ts', imports: '../api/main.js' },
  { rule: 'adapters-from-entry', file: 'src/runtime/b.ts', imports: '../log/kafka/log.js' },
  { rule: 'adapters-from-entry', file: 'src/runtime/c.ts', imports: '../telemetry/pino.js' },
  { rule: 'adapters-from-entry', file: 'src/blocks/http.ts', imports: '../store/queries.js' },
  { rule: 'trial-on-stages', file: 'src/trial/a.ts', imports: '../store/port.js' },
  { rule: 'ports-on-core', file: 'src/store/port.ts', imports: '../store/queries.js' },
  { rule: 'logs-apart', file: 'src/log/embedded/log.ts', imports: '../kafka/log.js' },
  { rule: 'adapters-inward', file: 'src/store/timers.ts', imports: '../runtime/shell.js' },
  { rule: 'config-at-entry', file: 'src/store/open.ts', imports: '../config.js' },
  { rule: 'pure-is-pure', file: 'src/stages/triage/decide.ts', imports: 'node:fs' },
  { rule: 'drizzle-once', file: 'src/store/checks.ts', imports: 'drizzle-orm/pg-core' },
  { rule: 'drizzle-is-a-tool', file: 'src/store/schema.ts', imports: '../../drizzle/config.js' },
  { rule: 'tests-stay-out', file: 'src/api/main.ts', imports: '../testing/builders.js' },
  { rule: 'no-dev-packages', file: 'src/api/server.ts', imports: 'vitest' },
  { rule: 'resolvable', file: 'src/api/routes.ts', imports: './gone.js' },
  { rule: 'no-circle', file: 'src/runtime/chunk.ts', imports: './shell.js' },
];
const ALLOWED: readonly { file: string; imports: string }[] = [
  { file: 'src/runtime/shell.ts', imports: './chunk.js' }, // the other half of the circle
  { file: 'src/runtime/publish.ts', imports: '../store/port.js' },
  { file: 'src/workers/index.ts', imports: '../log/kafka/log.js' },
  { file: 'src/runtime/shell.test.ts', imports: '../store/queries.js' },
  { file: 'src/log/kafka/log.ts', imports: '../../core/c.js' },
];
const EMPTY = ['src/core/c.ts', 'src/config.ts', 'src/store/queries.ts', 'src/telemetry/pino.ts', 'drizzle/config.ts'];

let project: string;
let violations: { rule: { name: string }; from: string }[];

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'import-rules-'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  };
  for (const file of [...EMPTY, 'src/testing/builders.ts']) write(file, 'export type T = 1;\n');
  for (const { file, imports } of [...BREAKS, ...ALLOWED]) write(file, `export type * from '${imports}';\n`);
  for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs'])
    copyFileSync(file, join(project, file));
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'];
  const report = execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', maxBuffer: 64 << 20 });
  violations = JSON.parse(report).summary.violations;
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

it.each(BREAKS)('$file importing $imports breaks $rule', ({ rule, file }) => {
  expect(violations.filter((v) => v.from === file).map((v) => v.rule.name)).toContain(rule);
});

it.each(ALLOWED.slice(1))('$file may import $imports', ({ file }) => {
  expect(violations.filter((v) => v.from === file)).toEqual([]);
});
