/** Small packs for tests: a sound one, with some of its files replaced. */

import type { NormalizedException, TriageRecord } from '../core/records.js';
import { compilePack } from '../packs/compile.js';
import type { CompiledPack, PackProblem, PolicyScope, StepScope, TriageScope } from '../packs/types.js';

const SOUND: Readonly<Record<string, string>> = {
  'pack.yaml': 'name: acme\ngroups: { desk: [ann, bob] }\n',
  'policies.yaml': 'default: { effect: deny }\n',
};

/** The files of a sound pack; a value of null leaves a file out. */
export function packFiles(files: Readonly<Record<string, string | null>> = {}): Map<string, string> {
  const all = Object.entries({ ...SOUND, ...files });
  return new Map(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** The compiled pack; throws with its problems when it has any. */
export function packOf(files: Readonly<Record<string, string | null>> = {}): CompiledPack {
  const { pack, problems } = compilePack(packFiles(files));
  if (pack === undefined) throw new Error(problems.map((one) => `${one.path} ${one.code} ${one.message}`).join('\n'));
  return pack;
}

export const problemsOf = (files: Readonly<Record<string, string | null>>): PackProblem[] =>
  compilePack(packFiles(files)).problems;

/** `triage.yaml:2:3 EXPR_UNKNOWN` for each problem: what tables of bad packs compare. */
export const codesOf = (files: Readonly<Record<string, string | null>>): string[] =>
  problemsOf(files).map((problem) => `${problem.path} ${problem.code}`);

/** What a decision sees in tests; parts may be replaced. */
export function scopeOf(exception: Partial<NormalizedException> = {}, rest: Partial<TriageScope> = {}): TriageScope {
  const at = '2026-11-20T10:00:00.000Z';
  return {
    exception: {
      type: 'SETTLEMENT_FAIL',
      title: 'Trade T-1 failed',
      severity: 'medium',
      entity: 'T-1',
      source: 'trades',
      occurredAt: at,
      fingerprint: 'f',
      fields: { amount: 250_000 },
      ...exception,
    },
    seen: { count: 1, first: at, last: at, in1h: 1, in24h: 1 },
    tenant: 'acme',
    now: Date.parse(at),
    packVersion: 7,
    ...rest,
  };
}

const TRIAGE: TriageRecord = {
  category: 'settlement',
  severity: 'high',
  confidence: 0.9,
  labels: ['big'],
  extra: { owner: 'rates' },
  by: 'rules',
  explain: [],
  packVersion: 7,
};

export const policyScopeOf = (triage: Partial<TriageRecord> = {}): PolicyScope => ({
  ...scopeOf(),
  triage: { ...TRIAGE, ...triage },
});

export const stepScopeOf = (steps: StepScope['steps'] = {}): StepScope => ({
  ...policyScopeOf(),
  policy: { effect: 'allow', reason: 'r', winner: 'w', approval: null, explain: [], packVersion: 7 },
  steps,
  run: { id: 'run-1' },
});
