/** The candidate takes over what the active version decided, where it would decide the same: nothing may come out otherwise. */
import { describe, expect, it } from 'vitest';
import { edited, live, MINUTE, PAST_FILES, T0, written } from '../../testing/past.js';
import { sharedStages } from '../twin.js';
import { Backtest } from './backtest.js';
import type { PastCase } from './past.js';
import type { Written } from './refit.js';
import type { BacktestReport } from './report.js';

function backtest(past: readonly PastCase[], active: Written, candidate: Written, apart: boolean): BacktestReport {
  const range = { tenant: 'acme', since: T0, until: T0 + 1_000 * MINUTE, limit: 10_000 };
  const run = new Backtest({ ...range, active: { ...active, version: 1 }, candidate, apart });
  for (let at = 0; at < past.length; at += 25) {
    run.feed({ cases: past.slice(at, at + 25), versions: new Map([[1, active]]) });
  }
  return run.finish(true);
}

const CHANGES: Readonly<Record<string, Parameters<typeof edited>[0]>> = {
  nothing: [],
  'a bar in triage': [['triage.yaml', 'amount > 1000', 'amount > 500']],
  'only the name of a rule': [['triage.yaml', 'name: big', 'name: large']],
  'a history that nobody asks for any more': [['triage.yaml', 'seen.count > 4', 'exception.fields.amount > 4']],
  'a policy': [['policies.yaml', "triage.category == 'noise'", "triage.category == 'noise' && seen.count > 1"]],
  'the limit of a budget': [['policies.yaml', 'limit: 3', 'limit: 1']],
  'a window': [['policies.yaml', '0 8 * * *', '30 7 * * *']],
  'how long it is held': [['sources.yaml', 'for: 3m', 'for: 1m']],
  'what is the same exception': [['sources.yaml', '[type, entity]', '[type]']],
  'the playbook': [['playbooks/fix.yaml', 'exception.entity }}', 'exception.entity }}-1']],
  'who is asked': [['pack.yaml', '[ann, bob]', '[bob]']],
  'several things': [
    ['triage.yaml', 'amount > 1000', 'amount > 500'],
    ['triage.yaml', 'name: small', 'name: little'],
    ['policies.yaml', 'limit: 3', 'limit: 2'],
    ['sources.yaml', 'for: 3m', 'for: 1m'],
  ],
};

describe('a candidate that takes over what the active version decided', () => {
  const active = written(PAST_FILES);
  const past = live(active, 400, 11);

  it.each(Object.entries(CHANGES))('comes to the same as one that decides everything itself: %s', (_, changes) => {
    const candidate = written(edited(changes));
    const shared = backtest(past, active, candidate, false);
    expect(shared).toEqual(backtest(past, active, candidate, true));
    expect(shared.cases).toBeGreaterThan(100);
  });

  it('decides what really was decided, and finds what changed', () => {
    expect(backtest(past, active, written(PAST_FILES), false)).toMatchObject({ changed: 0 });
    for (const name of ['a bar in triage', 'a policy', 'the limit of a budget', 'who is asked']) {
      expect(backtest(past, active, written(edited(CHANGES[name] ?? [])), false).changed, name).toBeGreaterThan(0);
    }
  });
});

describe('the stages that decide the same under two packs', () => {
  const shared = (changes: Parameters<typeof edited>[0]) => [...sharedStages(PAST_FILES, edited(changes))];

  it('are those whose files are the same', () => {
    expect(shared([])).toEqual(['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback']);
    expect(shared([['triage.yaml', 'name: big', 'name: large']])).not.toContain('triage');
    expect(shared([['tools.yaml', 'GET', 'POST']])).toEqual(['intake', 'triage', 'policy', 'feedback']);
    expect(shared([['samples/one.json', '{}', '[]']])).toHaveLength(6);
  });

  it('are none where a file differs that all of them may read, or where no files are known', () => {
    expect(shared([['pack.yaml', '[ann, bob]', '[bob]']])).toEqual([]);
    expect([...sharedStages(new Map(), PAST_FILES)]).toEqual([]);
    expect([...sharedStages(new Map(), new Map())]).toEqual([]);
  });
});
