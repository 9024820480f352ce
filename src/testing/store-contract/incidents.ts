import { expect, it } from 'vitest';
import { deterministicId } from '../../core/ids.js';
import { beginIncident, type Joining, tooFew, withMember } from '../../core/incident.js';
import type { IncidentNotes, SavedIncident } from '../../core/incident-work.js';
import type { CaseKey } from '../../store/port.js';
import { aCase, type Current, NOTHING } from './harness.js';

const PAST = Date.UTC(2026, 0, 1);

export const joiningOf = (min: number, at = PAST): Joining => ({
  terms: {
    ...{ rule: 'one a desk', place: 'sources.yaml:2:5', key: `k${min}`, by: ['rates', 2], windowMs: 60_000, min },
    ...{ run: 'parent', resolve: 'all', packVersion: 3 },
  },
  report: {
    ...{ type: 'Incident', title: 'trouble', entity: 'rates', severity: 'low' },
    ...{ occurredAt: '2026-01-01T00:00:00.000Z', fields: { desk: 'rates', 'a "quoted" name': [1, null] } },
  },
  at,
});
const incidentFor = ({ tenantId, caseId }: CaseKey, asks: Joining) =>
  withMember(beginIncident(deterministicId(caseId), tenantId, caseId, asks), caseId, asks);

export function describeIncidents(current: Current): void {
  const note = (key: CaseKey, notes: Partial<IncidentNotes>) =>
    current().store.transaction([key.tenantId], (tx) =>
      tx.write({ ...NOTHING, incidents: { joins: [], closed: [], ...notes } }),
    );
  const workOf = (tenantId: string) => current().store.transaction([tenantId], (tx) => tx.incidents.work(10));

  it('a case that asks to be a member is found, becomes one, and is noted when it is closed', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const asks = joiningOf(1);
    await note(key, { joins: [{ ...key, joining: asks }] });
    await note(key, { joins: [{ ...key, joining: joiningOf(1, PAST + 5) }] }); // asked again: nothing changes
    const fresh = { ...key, incidentId: null, state: 'new', joining: asks };
    expect(await workOf(key.tenantId)).toEqual({ members: [fresh], incidents: [] });
    const incident = incidentFor(key, asks);
    const { incidentId } = incident;
    await store.transaction([key.tenantId], (tx) =>
      tx.incidents.save([{ ...incident, look: false }], [{ ...key, incidentId, state: 'waiting' }]),
    );
    expect(await workOf(key.tenantId)).toEqual({ members: [], incidents: [] });
    const member = { ...key, incidentId, state: 'waiting', joining: null };
    const found = await store.transaction([key.tenantId], async (tx) => ({
      byKey: await tx.incidents.find([{ tenantId: key.tenantId, key: 'k1' }], []),
      byBoth: await tx.incidents.find([{ tenantId: key.tenantId, key: 'k1' }], [incident]),
      none: await tx.incidents.find([{ tenantId: key.tenantId, key: 'k2' }], []),
      bound: await tx.incidents.bound([incident], 10),
    }));
    expect(found).toEqual({ byKey: [incident], byBoth: [incident], none: [], bound: [member] });
    await note(key, { closed: [{ ...key, role: 'member' }] });
    expect(await workOf(key.tenantId)).toEqual({ members: [member], incidents: [] });
    await store.transaction([key.tenantId], (tx) => tx.incidents.save([], [{ ...key, incidentId, state: 'over' }]));
    expect(await workOf(key.tenantId)).toEqual({ members: [], incidents: [] });
    expect(await store.transaction([key.tenantId], (tx) => tx.incidents.bound([incident], 10))).toEqual([]);
  });

  it('an incident is noted when its parent is closed, found when its time to gather is over, and makes room for the next', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const [open, gathering] = [
      incidentFor(key, joiningOf(1)),
      incidentFor({ ...key, caseId: key.tenantId }, joiningOf(2)),
    ];
    await store.transaction([key.tenantId], (tx) =>
      tx.incidents.save(
        [
          { ...open, look: false },
          { ...gathering, look: false },
        ],
        [],
      ),
    );
    expect(await workOf(key.tenantId)).toEqual({ members: [], incidents: [gathering] });
    await note(key, { closed: [{ tenantId: key.tenantId, caseId: open.incidentId, role: 'parent' }] });
    expect((await workOf(key.tenantId)).incidents).toEqual([open, gathering]);
    const next = incidentFor({ ...key, caseId: `${key.caseId}-2` }, joiningOf(2));
    await store.transaction([key.tenantId], (tx) =>
      tx.incidents.save(
        [
          { ...next, look: true },
          { ...tooFew(gathering), look: false },
        ],
        [],
      ),
    );
    const found = await store.transaction([key.tenantId], (tx) =>
      tx.incidents.find([{ tenantId: key.tenantId, key: 'k2' }], []),
    );
    expect(found).toEqual([next]);
    const [first, second] = (await workOf(key.tenantId)).incidents.map(({ incidentId }) => incidentId).sort();
    expect([first, second]).toEqual([open.incidentId, next.incidentId].sort());
  });

  it('two of one key do not take members at the same time', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const first = incidentFor(key, joiningOf(1));
    const second = incidentFor({ ...key, caseId: `${key.caseId}-2` }, joiningOf(1));
    const save = (list: readonly SavedIncident[]) =>
      store.transaction([key.tenantId], (tx) => tx.incidents.save(list, []));
    await save([{ ...first, look: false }]);
    await save([{ ...first, look: false }]); // the same one again
    await expect(save([{ ...second, look: false }])).rejects.toMatchObject({ sqlstate: '23505' });
    const ended = { ...first, taking: false, look: false };
    await save([{ ...second, look: false }, ended]); // in either order
    const found = await store.transaction([key.tenantId], (tx) =>
      tx.incidents.find([{ tenantId: key.tenantId, key: 'k1' }], []),
    );
    expect(found).toEqual([second]);
  });

  it('one tenant’s are nobody else’s', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await note(key, { joins: [{ ...key, joining: joiningOf(1) }] });
    const other = await tenant();
    expect(await workOf(other)).toEqual({ members: [], incidents: [] });
    const theirs = joiningOf(1);
    const write = store.transaction([other], (tx) =>
      tx.write({ ...NOTHING, incidents: { joins: [{ ...key, joining: theirs }], closed: [] } }),
    );
    await expect(write).rejects.toThrow();
  });
}

export function describeIncidentTurns(current: Current): void {
  it('one process at a time has the incidents in hand', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    await store.transaction([tenantId], async (tx) => {
      expect(await tx.incidents.claimTurn()).toBe(true);
      expect(await store.transaction([tenantId], (second) => second.incidents.claimTurn())).toBe(false);
    });
    expect(await store.transaction([tenantId], (tx) => tx.incidents.claimTurn())).toBe(true);
  });
}
