import { z } from 'zod';
import { CASE_STATUSES } from '../core/case.js';
import { parseTime } from '../core/time.js';
import type { CompileContext } from './context.js';
import type { Path } from './expressions/template.js';
import { placeText, suggestion } from './problems.js';
import { readShape } from './shape.js';
import type { PackExpectation, PackTest } from './test-types.js';
import type { CompiledSource } from './types.js';
import type { PackFile } from './yaml.js';

const IncidentShape = z.strictObject({
  role: z.enum(['parent', 'member']).optional(),
  rule: z.string().optional(),
  members: z.number().int().min(0).optional(),
  end: z.enum(['resolved', 'suppressed', 'canceled', 'alone']).nullable().optional(),
});

export const ExpectShape = z.strictObject({
  exception: z.record(z.string(), z.unknown()).optional(),
  triage: z.record(z.string(), z.unknown()).optional(),
  policy: z.record(z.string(), z.unknown()).optional(),
  incident: IncidentShape.nullable().optional(),
  playbook: z.string().nullable().optional(),
  steps: z.array(z.string()).optional(),
  calls: z.array(z.string()).optional(),
  approvals: z.array(z.record(z.string(), z.unknown())).optional(),
  status: z.enum(CASE_STATUSES).optional(),
  outcome: z.enum(['resolved', 'escalated', 'suppressed', 'canceled']).nullable().optional(),
  waitsFor: z.string().nullable().optional(),
  problem: z.string().nullable().optional(),
});

export const TestShape = z.strictObject({
  description: z.string().optional(),
  input: z.string(),
  source: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  now: z.string().optional(),
  seen: z.strictObject({ count: z.number().int().min(1) }).optional(),
  given: z.record(z.string(), z.unknown()).optional(),
  expect: z.unknown(),
});

/** Compiles the files of tests/. Reports SAMPLE_UNKNOWN, SOURCE_UNKNOWN, TIME_INVALID, and words that are none. */
export function compileTests(
  context: CompileContext,
  files: readonly PackFile[],
  samples: readonly string[],
  sources: ReadonlyMap<string, CompiledSource>,
): PackTest[] {
  return files.flatMap((file) => compileTest(context, file, samples, sources) ?? []);
}

function compileTest(
  { report }: CompileContext,
  file: PackFile,
  samples: readonly string[],
  sources: ReadonlyMap<string, CompiledSource>,
): PackTest | undefined {
  const shape = readShape(file, [], TestShape, report);
  const written = file.at(['expect']);
  const each = Array.isArray(written) ? written.map((_, index) => ['expect', index]) : [['expect']];
  const expected = each.map((path) => readShape(file, path, ExpectShape, report));
  if (shape === undefined || expected.includes(undefined)) return undefined;
  const { input, source = 'generic', now, seen } = shape;
  if (!samples.includes(input)) {
    const message = `There is no file \`${input}\` in the pack.`;
    report.add(file.place(['input']), 'SAMPLE_UNKNOWN', message, suggestion(input, samples));
  }
  if (!sources.has(source)) {
    const message = `There is no source \`${source}\`.`;
    report.add(file.place(['source']), 'SOURCE_UNKNOWN', message, suggestion(source, sources.keys()));
  }
  const at = now === undefined ? null : parseTime(now);
  if (at === undefined) {
    const message = `\`${now}\` is not a time.`;
    report.add(file.place(['now']), 'TIME_INVALID', message, 'Use RFC 3339: 2026-11-20T10:00:00Z.');
  }
  const headers = Object.entries(shape.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    file: file.name,
    description: shape.description ?? null,
    input,
    source,
    headers: Object.fromEntries(headers),
    now: at ?? null,
    given: { ...(seen && { 'seen.count': seen.count }), ...shape.given },
    expect: Array.isArray(written) ? (expected as PackExpectation[]) : (expected[0] as PackExpectation),
    placeOf: (path) => file.place(path),
  };
}

/** The text of a test's place: what an editor opens. */
export const testPlace = (test: PackTest, path: Path): string => placeText(test.placeOf(path));
