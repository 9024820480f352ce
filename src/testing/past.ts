/** A past for backtests: what a pack made of breaks of all kinds, as the journal would tell it. */
import type { CaseEvent, EventData } from '../core/events.js';
import { compilePack } from '../packs/index.js';
import type { PastEvent } from '../trial/backtest/past.js';
import type { TrialCase } from '../trial/case.js';
import type { PastCase, Written } from '../trial/index.js';
import { World } from '../trial/world.js';

export const T0 = Date.parse('2026-11-02T07:00:00Z');
export const MINUTE = 60_000;

/** A pack with a word of each kind that looks back or waits. */
export const PAST_FILES: ReadonlyMap<string, string> = new Map([
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

/** Its files, with some words replaced. */
export function edited(
  changes: readonly (readonly [file: string, from: string, to: string])[],
): ReadonlyMap<string, string> {
  const files = new Map(PAST_FILES);
  for (const [file, from, to] of changes) {
    const text = files.get(file) ?? '';
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    files.set(file, text.replaceAll(from, to));
  }
  return files;
}

export function written(files: ReadonlyMap<string, string>): Written {
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

interface Life {
  readonly everyMs?: number; // a report; a minute
  readonly quiet?: boolean; // nothing is reported twice, and people end all that is left to them
}

/** What a world of the active version does with breaks of all kinds, as the journal would tell it. */
export function live(active: Written, count: number, seed: number, life: Life = {}): PastCase[] {
  const { everyMs = MINUTE, quiet = false } = life;
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
    if (type === 'CaseEscalated' && (quiet || pick([true, true, false]))) {
      const told = { command: 'resolve', by: 'ann', reason: 'done' } as const;
      world.schedule(world.now + 30 * MINUTE, () => world.append(of, { type: 'CaseCommanded', data: told }, 'api'));
    }
  };
  const world: World = new World({
    ...{ tenant: 'acme', pack: { version: 1, pack: active.pack }, now: T0, leaveOut: 'feedback' },
    watcher: { event: hears, refused: () => undefined },
  });
  for (let i = 0; i < count; i++) {
    world.advanceTo(T0 + i * everyMs);
    const kind = pick(['FAIL', 'FAIL', 'NOISE', 'ODD']);
    const id = quiet ? `E-${i}` : pick(['E-1', 'E-2', 'E-3', 'E-4', 'E-5', 'E-6']);
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
  world.advanceTo(T0 + count * everyMs + 120 * MINUTE);
  return [...stories].map(([id, events]) => ({ id, events }));
}

const answerOf = ({ runId, step, executionId, packVersion }: EventData['ToolRequested']) => {
  const end = { status: 'succeeded', result: { body: { open: true } }, attempt: 1, tries: 1, latencyMs: 1 } as const;
  return { type: 'ToolFinished', data: { runId, step, executionId, packVersion, ...end } } as const;
};
