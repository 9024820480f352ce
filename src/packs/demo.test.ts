/** Packs that users meet first must be right: each sample of the demo pack, through all that decides about it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NormalizedException } from '../core/records.js';
import {
  choosePlaybook,
  compilePack,
  decidePolicy,
  decideTriage,
  evaluateIf,
  normalizeItem,
  renderStepCall,
  splitSource,
} from './index.js';
import type { StepScope, ToolCall } from './types.js';

const ROOT = join(import.meta.dirname, '../../packs/demo');
const AT = '2026-11-20T18:00:00.000Z';
const files = new Map(
  readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(ROOT.length + 1), readFileSync(path, 'utf8')]),
);
const { pack, problems } = compilePack(files);

/** What is decided about each exception of a sample. */
function walk(sample: string, source: string, count: number) {
  if (pack === undefined) throw new Error(JSON.stringify(problems));
  const body: unknown = JSON.parse(files.get(`samples/${sample}.json`) as string);
  const split = splitSource(pack, source, { body, headers: {}, receivedAt: AT });
  expect(split.problems).toEqual([]);
  return split.items.map((item) => {
    const own = { ...item, fingerprint: item.fingerprint ?? 'own' };
    const exception = normalizeItem(pack, source, own, AT) as NormalizedException;
    const seen = { count, first: AT, last: AT, in1h: count, in24h: count };
    const scope = { exception, seen, tenant: 'demo', now: Date.parse(AT), packVersion: 1 };
    const triage = decideTriage(pack, scope);
    const policy = decidePolicy(pack, { ...scope, triage });
    const { playbook } = choosePlaybook(pack, { ...scope, triage, policy });
    const answered = { result: { status: 200, body: { status: 'FAILED' } } };
    const steps = { look: answered, resubmit: answered, refresh: answered, restart: answered };
    const state: StepScope = { ...scope, triage, policy, steps, run: {} };
    const taken = (playbook?.steps ?? []).filter((step) => evaluateIf(step, state).run);
    const calls = taken.map((step) => (step.kind === 'tool' ? renderStepCall(pack, step, state) : null));
    return { item, exception, triage, policy, playbook, taken: taken.map((step) => step.id), calls };
  });
}

describe('the demo pack', () => {
  it('has no problem, and every sample is for some source', () => {
    expect(problems).toEqual([]);
    expect(pack?.samples).toHaveLength(7);
  });

  it.each([
    ['failed-trade', 'generic', 1, [['settlement', 'high', 'allow', 'resubmit-trade', 'look,resubmit,report']]],
    [
      'big-trade',
      'generic',
      1,
      [['settlement', 'critical', 'require_approval', 'resubmit-trade', 'look,resubmit,report']],
    ],
    ['missing-ssi', 'generic', 1, [['ssi', 'medium', 'allow', 'refresh-ssi', 'refresh,resubmit']]],
    ['noise', 'generic', 1, [['noise', 'info', 'suppress', undefined, '']]],
    [
      'breaks',
      'trades',
      1,
      [
        ['settlement', 'high', 'allow', 'resubmit-trade', 'look,resubmit,report'],
        ['ssi', 'medium', 'allow', 'refresh-ssi', 'refresh,resubmit'],
        ['settlement', 'low', 'allow', 'resubmit-trade', 'look,resubmit,report'],
      ],
    ],
    [
      'alerts',
      'alertmanager',
      1,
      [
        ['service', 'critical', 'allow', 'restart-service', 'restart'],
        ['service', 'critical', 'allow', 'restart-service', 'restart'],
      ],
    ],
    ['alerts-resolved', 'alertmanager', 3, [['service', 'critical', 'allow', undefined, '']]],
  ])('%s by %s, seen %i times', (sample, source, count, expected) => {
    const walked = walk(sample, source, count);
    expect(
      walked.map(({ triage, policy, playbook, taken }) => [
        triage.category,
        triage.severity,
        policy.effect,
        playbook?.name,
        taken.join(','),
      ]),
    ).toEqual(expected);
    for (const call of walked.flatMap((one) => one.calls)) {
      if (call !== null) expect(call).toHaveProperty('block');
    }
  });

  it('the third alert asks a person first', () => {
    expect(walk('alerts', 'alertmanager', 3)[0]?.taken).toEqual(['agree', 'restart']);
  });

  it('a resolved alert has the fingerprint of the alert that it resolves', () => {
    const fired = walk('alerts', 'alertmanager', 1).map((one) => one.item.fingerprint);
    expect(walk('alerts-resolved', 'alertmanager', 1)[0]?.item).toMatchObject({ resolve: true, fingerprint: fired[0] });
  });

  it('a failed trade calls what the stand-in of the desk answers', () => {
    const calls = walk('failed-trade', 'generic', 1)[0]?.calls as ToolCall[];
    expect(calls.map(({ tool, effect, input }) => [tool, effect, (input as { path: string }).path])).toEqual([
      ['trades.get', 'read', '/trades/T-1042'],
      ['settlements.resubmit', 'idempotent', '/settlements/T-1042/resubmit'],
      ['reports.write', 'idempotent', 'reports/T-1042.json'],
    ]);
  });
});
