/** The past with incidents, once more: under the same pack nothing differs, under another one members and parents do. */
import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../core/events.js';
import { packFiles, packOf } from '../../testing/packs.js';
import { Backtest, type BacktestReport, type PastCase } from '../index.js';
import { World } from '../world.js';
import type { PastEvent } from './past.js';

const T0 = Date.UTC(2026, 10, 1);

const files = (rule: string) => ({
  'sources.yaml':
    rule === '' ? 'sources: {}' : `correlate: [{ name: one a desk, by: [exception.fields.desk], window: 5m, ${rule} }]`,
  'triage.yaml': `
triage:
  - { name: incidents, when: exception.type == 'Incident', set: { category: incident, severity: high } }
  - { name: single, set: { category: single } }`,
  'policies.yaml': 'default: { effect: allow }',
  'tools.yaml': `
connections: { desk: { kind: http, base: https://desk.example } }
tools: { look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/\${{ id }}" }, effect: read } }`,
  'playbooks/look.yaml': `
playbook: look
when: triage.category in ['incident', 'single']
steps: [{ id: look, use: look, with: { id: "\${{ exception.entity }}" } }]`,
});
const written = (rule: string) => ({ pack: packOf(files(rule)), files: packFiles(files(rule)) });

/** What happened to six exceptions of two desks, a second apart, under this rule; calls take five seconds. */
function lived(rule: string): PastCase[] {
  const past = new Map<string, PastEvent[]>();
  const world: World = new World({
    ...{ tenant: 'acme', now: T0, pack: { version: 1, pack: written(rule).pack } },
    watcher: {
      refused: () => undefined,
      event: (of, event: CaseEvent) => {
        const { seq, emitter, type, data } = event;
        const told = { seq, at: world.now, emitter, type, data } as PastEvent;
        past.set(of.id, [...(past.get(of.id) ?? []), told]);
        if (event.type !== 'ToolRequested') return;
        const { runId, step, executionId, packVersion } = event.data;
        const end = { runId, step, executionId, packVersion, status: 'succeeded', result: {} } as const;
        const data5s = { ...end, attempt: 1, tries: 1, latencyMs: 5_000 };
        world.schedule(world.now + 5_000, () => world.append(of, { type: 'ToolFinished', data: data5s }, 'executor'));
      },
    },
  });
  for (let i = 0; i < 6; i++) {
    world.advanceTo(T0 + i * 1_000);
    const item = { type: 'FAIL', entity: `T-${i}`, fields: { desk: i % 2 === 0 ? 'rates' : 'fx' } };
    const at = new Date(world.now).toISOString();
    const data = {
      source: 'generic',
      via: 'api',
      receivedAt: at,
      item,
      fingerprint: `f-${i}`,
      resolve: false,
    } as const;
    world.report({ ...data, count: 1, packVersion: 1 }, `case-${i}`);
  }
  world.advanceTo(T0 + 3_600_000);
  return [...past].map(([id, events]) => ({ id, events }));
}

function backtest(really: string, candidate: string): BacktestReport {
  const active = { ...written(really), version: 1 };
  const options = { tenant: 'acme', since: T0, until: T0 + 3_600_000, limit: 20 };
  const run = new Backtest({ ...options, candidate: written(candidate), active });
  run.feed({ cases: lived(really), versions: new Map([[1, active]]) });
  return run.finish(true);
}

describe('a backtest of incidents', () => {
  it.each([['run: parent'], ['run: members'], ['run: both, resolve: first'], ['run: parent, min: 3'], ['min: 4']])(
    'under the same rule (%s) finds what really happened',
    (rule) => {
      const report = backtest(rule, rule);
      expect(report).toMatchObject({ changed: 0, changedFromReal: 0, activeFromReal: 0, unknown: 0 });
      expect(report.cases).toBe(rule === 'min: 4' ? 6 : 8);
    },
  );

  it('tells what no longer is a member, and which incidents would not be', () => {
    const report = backtest('run: parent', '');
    expect(report).toMatchObject({ cases: 8, changed: 8, activeFromReal: 0 });
    const fates = report.changes.map(
      ({ id, differences: [first] }) => `${id.slice(0, 5)} ${first?.before} → ${first?.after}`,
    );
    expect(fates.filter((text) => text === 'case- member → case')).toHaveLength(6);
    expect(fates.filter((text) => text.endsWith('case → dropped'))).toHaveLength(2);
  });

  it('tells what would become a member, by which rule', () => {
    const report = backtest('', 'run: parent');
    expect(report).toMatchObject({ cases: 6, changed: 6, activeFromReal: 0 });
    expect(report.changes[0]).toMatchObject({
      differences: [{ field: 'fate', before: 'case', after: 'member' }, {}, {}, {}, {}, {}],
      cause: { stage: 'source', rule: 'one a desk' },
    });
  });
});
