/** The candidate takes over what the active version decided, where it would decide the same: nothing may come out otherwise. */
import { describe, expect, it } from 'vitest';
import type { CaseEvent, EventData } from '../../core/events.js';
import { compilePack } from '../../packs/index.js';
import type { TrialCase } from '../case.js';
import { sharedStages } from '../twin.js';
import { World } from '../world.js';
import { Backtest } from './backtest.js';
import type { PastCase, PastEvent } from './past.js';
import type { Written } from './refit.js';
import type { BacktestReport } from './report.js';

const T0 = Date.parse('2026-11-02T07:00:00Z');
const MINUTE = 60_000;

const FILES: ReadonlyMap<string, string> = new Map([
  ['pack.yaml', 'name: acme\ngroups: { desk: [ann, bob] }\n'],
  [
    'sources.yaml',
    `sources:
  breaks:
    kind: json
    map: { type: "\${{ item.kind }}", entity: "\${{ item.id }}", severity: "\${{ item.prio }}", fields: { amount: "\${{ item.amount }}" } }
    fingerprint: [type, entity]
    resolve: item.status == 'over'
hold:
  - { when: exception.severity == 'low', for: 3m }
`,
  ],
  [
    'triage.yaml',
    `triage:
  - { name: often, when: seen.count > 4, set: { labels: [often] }, continue: true }
  - { name: big, when: exception.type == 'FAIL' && exception.fields.amount > 1000, set: { category: settlement, severity: critical } }
  - { name: small, when: exception.type == 'FAIL', set: { category: settlement } }
  - { name: noise, when: exception.type == 'NOISE', set: { category: noise } }
`,
  ],
  [
    'policies.yaml',
    `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: triage.category == 'noise', effect: suppress }
  - { name: freeze, when: triage.severity == 'critical', window: { cron: "0 8 * * *", for: 1h }, effect: hold }
  - { name: big ones, when: triage.severity == 'critical', effect: require_approval, approval: { from: [group:desk], timeout: 20m } }
  - { name: repairs, when: triage.category == 'settlement', effect: allow, budget: { by: exception.entity, limit: 3, per: 1h, over: escalate } }
`,
  ],
  [
    'playbooks/fix.yaml',
    `playbook: fix\nwhen: triage.category == 'settlement'\nsteps:\n  - { id: look, use: look, with: { id: "\${{ exception.entity }}" } }\n`,
  ],
  [
    'tools.yaml',
    `connections: { desk: { kind: http, base: "https://desk.example.com" } }
tools:
  look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/trades/\${{ id }}" }, effect: read }
`,
  ],
  ['samples/one.json', '{}'],
]);

function edited(changes: readonly (readonly [file: string, from: string, to: string])[]): ReadonlyMap<string, string> {
  const files = new Map(FILES);
  for (const [file, from, to] of changes) {
    const text = files.get(file) ?? '';
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    files.set(file, text.replaceAll(from, to));
  }
  return files;
}

function written(files: ReadonlyMap<string, string>): Written {
  const { pack, problems } = compilePack(files);
  if (pack === undefined) throw new Error(JSON.stringify(problems));
  return { pack, files };
}

function random(seed: number): <T>(list: readonly T[]) => T {
  let state = seed;
  return (list) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return list[Math.floor((state / 2_147_483_648) * list.length)] as (typeof list)[number];
  };
}

/** What a world of the active version does with breaks of all kinds, as the journal would tell it. */
function live(active: Written, count: number, seed: number): PastCase[] {
  const pick = random(seed);
  const stories = new Map<string, PastEvent[]>();
  const hears = (of: TrialCase, { seq, type, emitter, time, data }: CaseEvent) => {
    const story = stories.get(of.id) ?? [];
    stories.set(of.id, story);
    story.push({ seq, type, emitter, at: Date.parse(time), data } as PastEvent);
    if (type === 'ToolRequested') world.schedule(world.now + 2_000, () => world.append(of, answerOf(data), 'executor'));
    if (type === 'ApprovalRequested' && pick([true, false])) {
      const { runId, step, waitId } = data;
      const by = { decision: pick(['approved', 'rejected'] as const), by: ['ann'], comment: null, packVersion: 1 };
      world.schedule(world.now + 5 * MINUTE, () =>
        world.append(of, { type: 'WaitResolved', data: { runId, step, waitId, ...by } }, 'api'),
      );
    }
    if (type === 'CaseEscalated' && pick([true, true, false])) {
      const told = { command: 'resolve', by: 'ann', reason: 'done' } as const;
      world.schedule(world.now + 30 * MINUTE, () => world.append(of, { type: 'CaseCommanded', data: told }, 'api'));
    }
  };
  const world: World = new World({
    ...{ tenant: 'acme', pack: { version: 1, pack: active.pack }, now: T0, leaveOut: 'feedback' },
    watcher: { event: hears, refused: () => undefined },
  });
  for (let i = 0; i < count; i++) {
    world.advanceTo(T0 + i * MINUTE);
    const kind = pick(['FAIL', 'FAIL', 'NOISE', 'ODD']);
    const id = pick(['E-1', 'E-2', 'E-3', 'E-4', 'E-5', 'E-6']);
    const item = {
      kind,
      id,
      amount: pick([10, 700, 5_000]),
      prio: pick(['low', 'high']),
      status: pick(['open', 'open', 'over']),
    };
    const resolve = item.status === 'over';
    const receivedAt = new Date(world.now).toISOString();
    const rest = { source: 'breaks', via: 'api', count: 1, receivedAt, packVersion: 1 } as const;
    world.report({ item, fingerprint: `${kind}\u001f${id}`, resolve, ...rest }, `case-${String(i).padStart(4, '0')}`);
  }
  world.advanceTo(T0 + (count + 120) * MINUTE);
  return [...stories].map(([id, events]) => ({ id, events }));
}

const answerOf = ({ runId, step, executionId, packVersion }: EventData['ToolRequested']) => {
  const end = { status: 'succeeded', result: { body: { open: true } }, attempt: 1, tries: 1, latencyMs: 1 } as const;
  return { type: 'ToolFinished', data: { runId, step, executionId, packVersion, ...end } } as const;
};

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
  const active = written(FILES);
  const past = live(active, 400, 11);

  it.each(Object.entries(CHANGES))('comes to the same as one that decides everything itself: %s', (_, changes) => {
    const candidate = written(edited(changes));
    const shared = backtest(past, active, candidate, false);
    expect(shared).toEqual(backtest(past, active, candidate, true));
    expect(shared.cases).toBeGreaterThan(100);
  });

  it('decides what really was decided, and finds what changed', () => {
    expect(backtest(past, active, written(FILES), false)).toMatchObject({ changed: 0 });
    for (const name of ['a bar in triage', 'a policy', 'the limit of a budget', 'who is asked']) {
      expect(backtest(past, active, written(edited(CHANGES[name] ?? [])), false).changed, name).toBeGreaterThan(0);
    }
  });
});

describe('the stages that decide the same under two packs', () => {
  const shared = (changes: Parameters<typeof edited>[0]) => [...sharedStages(FILES, edited(changes))];

  it('are those whose files are the same', () => {
    expect(shared([])).toEqual(['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback']);
    expect(shared([['triage.yaml', 'name: big', 'name: large']])).not.toContain('triage');
    expect(shared([['tools.yaml', 'GET', 'POST']])).toEqual(['intake', 'triage', 'policy', 'feedback']);
    expect(shared([['samples/one.json', '{}', '[]']])).toHaveLength(6);
  });

  it('are none where a file differs that all of them may read, or where no files are known', () => {
    expect(shared([['pack.yaml', '[ann, bob]', '[bob]']])).toEqual([]);
    expect([...sharedStages(new Map(), FILES)]).toEqual([]);
    expect([...sharedStages(new Map(), new Map())]).toEqual([]);
  });
});
