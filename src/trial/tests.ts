/** Runs the tests that a pack brings along: each input's way, compared with what the test expects. */
import { isDeepStrictEqual } from 'node:util';
import { type Problem, ProblemError, problemOf } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import { type CompiledPack, type PackTest, testPlace } from '../packs/index.js';
import { walk } from './walk.js';
import type { Walked, WalkedCase } from './walked.js';

/** One word in which the decision is another one. */
export interface TestDifference {
  readonly path: string; // `triage.severity`; of the third case of an input `[2].triage.severity`
  readonly place: string; // where the test says what it expects: `tests/big.yaml:5:29`
  readonly expected: unknown;
  readonly decided: unknown;
}

export interface TestResult {
  readonly file: string;
  readonly description: string | null;
  readonly passed: boolean;
  readonly differences: readonly TestDifference[];
  readonly problem: Problem | null; // why it could not be run; its path is a place
}

/** The results in the order of the files. `files` are those of the pack: its samples are read from them. */
export function runTests(pack: CompiledPack, files: ReadonlyMap<string, string>): readonly TestResult[] {
  return pack.tests.map((test) => runTest(pack, test, files));
}

function runTest(pack: CompiledPack, test: PackTest, files: ReadonlyMap<string, string>): TestResult {
  const base = { file: test.file, description: test.description };
  try {
    const differences = compare(test, walkOf(pack, test, files.get(test.input) as string));
    return { ...base, passed: differences.length === 0, differences, problem: null };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { ...base, passed: false, differences: [], problem: placed(test, problemOf(error)) };
  }
}

function walkOf(pack: CompiledPack, test: PackTest, text: string): Walked {
  const { source, headers, now, given } = test;
  return walk(pack, { body: inputOf(test, text), source, headers, ...(now !== null && { now }) }, given);
}

function inputOf({ input }: PackTest, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    const problem = problemOf(error);
    throw new ProblemError({ ...problem, path: 'input', message: `${input}: ${problem.message}` });
  }
}

/** What is wrong with an answer is told where the answer stands. */
function placed(test: PackTest, problem: Problem): Problem {
  const { path = '' } = problem;
  const word = path in test.given ? ['given', path] : path.startsWith('seen') ? ['seen'] : [path];
  return { ...problem, path: testPlace(test, word) };
}

function compare(test: PackTest, { problems, cases }: Walked): readonly TestDifference[] {
  const decided: unknown[] = cases.map((one) => ({ ...viewOf(one), incident: incidentOf(one, cases) }));
  for (const problem of problems) decided.push({ problem: problem.code });
  const isList = Array.isArray(test.expect);
  const expected = isList ? test.expect : [test.expect];
  const at = (path: readonly (string | number)[]) => testPlace(test, ['expect', ...(isList ? path : path.slice(1))]);
  const found = expected.flatMap((one, index) =>
    index < decided.length ? differences([index], one, decided[index]) : [],
  );
  const told = found.map(({ path, ...rest }) => ({
    path: `${isList ? `[${path[0]}].` : ''}${path.slice(1).join('.')}`,
    place: at(path),
    ...rest,
  }));
  if (expected.length === decided.length) return told;
  const count = { path: 'cases', place: at([]), expected: expected.length, decided: decided.length };
  return [count, ...told];
}

/** A case as tests speak of it: the words that rules set stand beside the others, steps that were skipped are left out. */
function viewOf(one: WalkedCase): Readonly<Record<string, unknown>> {
  const { exception, triage, policy, playbook, steps, calls, approvals, status, ending, waitsFor, problem } = one;
  return {
    exception,
    triage: triage && { ...triage.extra, ...triage },
    policy,
    playbook,
    steps: steps.filter((step) => step.status !== 'skipped').map(({ id }) => id),
    calls: calls.map(({ tool }) => tool),
    approvals,
    status,
    outcome: ending?.outcome ?? null,
    waitsFor,
    problem: problem?.code ?? null,
  };
}

/** What a case is in its incident: how many it has, and how that ended for a member. */
function incidentOf({ id, exception, events }: WalkedCase, cases: readonly WalkedCase[]): unknown {
  if (exception?.incident === undefined) return null;
  const { role, rule } = exception.incident;
  const [joined, ended] = (['IncidentJoined', 'IncidentEnded'] as const).map((type) =>
    events.findLast((event) => event.type === type),
  );
  const incidentId = joined?.type === 'IncidentJoined' ? joined.data.incidentId : id;
  const parent = cases.find((one) => one.id === incidentId && one.exception?.incident?.role === 'parent');
  const reports = parent?.events.flatMap((event) => (event.type === 'ExceptionIngested' ? [event.data.count] : []));
  const members = reports?.reduce((sum, count) => sum + count, 0) ?? 0;
  return { role, rule, members, end: ended?.type === 'IncidentEnded' ? ended.data.outcome : null };
}

interface Difference {
  readonly path: readonly (string | number)[];
  readonly expected: unknown;
  readonly decided: unknown;
}

/** Of a map only the words that are expected are compared, a list as a whole. */
function differences(path: readonly (string | number)[], expected: unknown, decided: unknown): readonly Difference[] {
  if (isMap(expected) && isMap(decided)) {
    return Object.entries(expected).flatMap(([word, value]) => differences([...path, word], value, decided[word]));
  }
  if (Array.isArray(expected) && Array.isArray(decided) && expected.length === decided.length) {
    return expected.flatMap((value, index) => differences([...path, index], value, decided[index]));
  }
  return isDeepStrictEqual(expected, decided) ? [] : [{ path, expected, decided: decided ?? null }];
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
