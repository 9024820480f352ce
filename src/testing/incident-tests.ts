/** Incidents, on either log: cases that belong together come under one parent, once, and end as the rule says. */
import { expect, it } from 'vitest';
import { Correlator } from '../runtime/correlator.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import type { Pipeline } from './pipeline.js';
import { until } from './until.js';

/** For the sources.yaml of the pack. */
export const CORRELATE = `correlate:
  - name: one question a desk
    when: exception.type == 'ASKED'
    by: [exception.fields.desk]
    window: 5m
    type: BIG
    title: "Desk \${{ exception.fields.desk }} has trouble"
  - { name: an umbrella, when: exception.type == 'PART', by: [exception.fields.desk], window: 5m, run: members }
  - { name: three are one, when: exception.type == 'FEW', by: [exception.fields.desk], window: 2s, min: 3, resolve: first }
  - { name: many, when: exception.type == 'MANY', by: [exception.fields.desk], window: 5m, run: both }
`;

export function incidentTests(pipelineOf: () => Pipeline): void {
  const report = async (type: string, desk: string, names: readonly string[]) => {
    const bodies = names.map((name) => ({ type, title: `${name} fails`, entity: name, fields: { desk } }));
    return (await pipelineOf().report(bodies)).items.map(({ id }) => id as string);
  };
  const incidentOf = async (caseId: string) =>
    (await pipelineOf().memory.queries.incidentOf(pipelineOf().tenantId, caseId))?.incidentId;
  const joined = (caseId: string) =>
    until(async () => ((await incidentOf(caseId)) as string | undefined) ?? undefined, `an incident of ${caseId}`);
  const end = (caseId: string, command: 'resolve' | 'cancel' = 'resolve') =>
    pipelineOf().commands.end({ tenantId: pipelineOf().tenantId, caseId, command, by: 'ann', reason: 'done' });

  it('what belongs together waits for one parent, which is worked on as any other case', async () => {
    const { settled, tenantId, memory, commands, counted } = pipelineOf();
    const ids = [...(await report('ASKED', 'rates', ['a', 'b'])), ...(await report('ASKED', 'rates', ['c']))];
    const [other] = await report('ASKED', 'fx', ['d']);
    const parents = await Promise.all([...ids, other as string].map(joined));
    const [parent, ...others] = [...new Set(parents)];
    expect(others).toHaveLength(1);
    await counted(parent as string, 3);
    expect(await settled(parent as string, 'WAITING')).toMatchObject({
      exception: {
        title: 'Desk rates has trouble',
        source: 'correlation',
        type: 'BIG',
        entity: 'rates',
        fields: { desk: 'rates' },
      },
    });
    for (const id of ids)
      expect(await settled(id, 'WAITING')).toMatchObject({ exception: { waiting: { kind: 'member' } } });
    const [wait] = await memory.queries.openWaits(tenantId, parent as string);
    const decision = { waitId: wait?.waitId as string, decision: 'approved', by: 'ann', comment: null } as const;
    await commands.decideApproval({ tenantId, caseId: parent as string, ...decision });
    await settled(parent as string, 'RESOLVED');
    for (const id of ids) {
      await settled(id, 'RESOLVED');
      await pipelineOf().settledFeedback(id);
      expect(await pipelineOf().types(id)).toEqual([
        ...['ExceptionIngested', 'ExceptionCorrelated', 'IncidentJoined', 'IncidentEnded', 'PlaybookFinished'],
        'FeedbackCaptured',
      ]);
    }
    const [next] = await report('ASKED', 'rates', ['e']);
    expect(await joined(next as string)).not.toBe(parent);
  });

  it('an umbrella waits while its members are worked on, and is resolved with all of them', async () => {
    const { settled } = pipelineOf();
    const ids = await report('PART', 'rates', ['p', 'q']);
    for (const id of ids) await settled(id, 'ESCALATED');
    const [parent] = await Promise.all(ids.map(joined));
    await settled(parent as string, 'WAITING');
    await end(ids[0] as string, 'cancel');
    await settled(ids[0] as string, 'CANCELED');
    expect(await settled(parent as string, 'WAITING')).toBeDefined();
    await end(ids[1] as string);
    await settled(parent as string, 'RESOLVED');
    const told = await pipelineOf().memory.queries.timeline(pipelineOf().tenantId, parent as string);
    expect(told.find(({ type }) => type === 'CaseCommanded')?.data).toMatchObject({
      ...{ by: 'an umbrella', reason: 'all of its members are over' },
    });
  });

  it('too few are no incident: when the window is over they go their own way', async () => {
    const ids = await report('FEW', 'rates', ['few-1', 'few-2']);
    for (const id of ids) {
      await pipelineOf().settled(id, 'ESCALATED');
      expect(await pipelineOf().types(id)).toContain('IncidentEnded');
    }
  });

  it('enough are one, and the first that its source resolves ends it for all', async () => {
    const ids = await report('FEW', 'fx', ['few-3', 'few-4', 'few-5']);
    const parents = await Promise.all(ids.map(joined));
    expect(new Set(parents).size).toBe(1);
    await pipelineOf().settled(parents[0] as string, 'ESCALATED');
    await end(ids[0] as string);
    await pipelineOf().settled(parents[0] as string, 'RESOLVED');
    for (const id of ids) await pipelineOf().settled(id, 'RESOLVED');
  });

  it('two hundred at once, correlated by three processes, come under five parents', async () => {
    const { memory, publisher, settled, tenantId } = pipelineOf();
    const correlators = [1, 2].map(() => new Correlator(memory.store, publisher, createTelemetry([])));
    const names = Array.from({ length: 40 }, (_, i) => `many-${i}`);
    const desks = ['d1', 'd2', 'd3', 'd4', 'd5'];
    const sent = desks.flatMap((desk) =>
      names.map(async (name) => {
        const [id] = await report('MANY', desk, [`${desk}-${name}`]);
        await Promise.all(correlators.map((one) => one.tick().catch(() => undefined))); // beside that of the pipeline
        return id as string;
      }),
    );
    const ids = await Promise.all(sent);
    const parents = await Promise.all(ids.map(joined));
    expect(new Set(parents).size).toBe(5);
    for (const parent of new Set(parents)) {
      const found = await until(async () => {
        const one = await memory.queries.getCase(tenantId, parent);
        return one?.count === 40 ? one : undefined;
      }, `forty members of ${parent}`);
      expect(found.exception).toMatchObject({ incident: { role: 'parent', rule: 'many' } });
      const members = await memory.queries.incidentMembers(tenantId, parent, 100);
      expect(members).toHaveLength(40);
    }
    for (const id of ids) await settled(id, 'ESCALATED');
  });
}
