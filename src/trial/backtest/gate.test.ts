import { describe, expect, it } from 'vitest';
import { packFiles, packOf } from '../../testing/packs.js';
import { Backtest, type BacktestReport, backtestPage, evaluateGate, type PastCase } from '../index.js';

const T0 = Date.UTC(2026, 10, 1);
const written = (policies: string) => {
  const files = { 'policies.yaml': `default: { effect: deny }\npolicies: [${policies}]\n` };
  return { pack: packOf(files), files: packFiles(files) };
};

/** A case that one report began, and nobody worked on. */
const past = (index: number, severity: string): PastCase => {
  const at = T0 + index * 1_000;
  const item = { type: 'FAIL', title: `<b>Trade ${index}</b>`, severity, entity: `T-${index}` };
  const told = { source: 'generic', via: 'api', receivedAt: new Date(at).toISOString(), item } as const;
  const data = { ...told, fingerprint: `f-${index}`, resolve: false, count: 1, packVersion: 1 };
  return { id: `case-${index}`, events: [{ seq: 1, at, emitter: 'api', type: 'ExceptionIngested', data }] };
};

/** Ten cases, one of them critical, under a candidate that suppresses what is critical. */
function report(complete = true): BacktestReport {
  const active = { ...written(''), version: 1 };
  const candidate = written("{ name: quiet, when: triage.severity == 'critical', effect: suppress }");
  const backtest = new Backtest({ tenant: 'acme', candidate, active, since: T0, until: T0 + 60_000, limit: 5 });
  const cases = Array.from({ length: 10 }, (_, index) => past(index, index === 3 ? 'critical' : 'low'));
  backtest.feed({ cases, versions: new Map([[1, active]]) });
  return backtest.finish(complete);
}

describe('a gate', () => {
  it.each([
    ['changed <= 10%', true, null],
    ['changed < 10%', false, 'changed < 10% was false (changed = 1, cases = 10)'],
    [
      'changed < 20% && suppressed_critical == 0',
      false,
      'suppressed_critical == 0 was false (suppressed_critical = 1)',
    ],
    ['changed > 1.5 % && changed < 5%', false, 'changed < 5% was false (changed = 1, cases = 10)'],
    ['suppressed > suppressed_before && cases == 10', true, null],
  ])('%s → %s', (expression, passed, reason) => {
    expect(evaluateGate(expression, report())).toEqual({ expression, passed, reason });
  });

  it('nothing passes when the backtest was ended early', () => {
    expect(evaluateGate('changed < 50%', report(false))).toMatchObject({ passed: false });
  });

  it.each(['chnged < 2%', 'changed <', 'changed + 1'])('%s is refused', (expression) => {
    expect(() => evaluateGate(expression, report())).toThrow(/GATE_INVALID/);
  });
});

it('the change is listed with the rule that made it, and the page escapes what came from outside', () => {
  const found = report();
  expect(found).toMatchObject({ cases: 10, changed: 1, causes: [{ rule: 'quiet', stage: 'policy', cases: 1 }] });
  expect(found.changes).toMatchObject([
    { id: 'case-3', differences: [{ field: 'effect', before: 'deny', after: 'suppress' }, {}] },
  ]);
  const page = backtestPage(found);
  expect(page).toContain('&lt;b&gt;Trade 3&lt;/b&gt;');
  expect(page).not.toMatch(/<b>Trade|<script|https?:/);
});
