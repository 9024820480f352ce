/** Incidents: what chunks note about them, and what the correlator, one process at a time, makes of it. */
import { gathersUntil, type Incident, type Joining } from '../../core/incident.js';
import type { IncidentKey, IncidentMember, IncidentNotes, IncidentTx } from '../../core/incident-work.js';
import { sql } from '../drizzle.js';
import { incidentMembers, incidents } from '../schema.js';
import { type Session, statement } from './driver.js';
import { at, NOW, recordset } from './rows.js';

const join = statement<never>(sql`
  insert into ${incidentMembers} (tenant_id, case_id, joining)
  select t, c, j from ${recordset('rows', 'r', 't text, c uuid, j jsonb')} order by t, c
  on conflict do nothing`);

const memberClosed = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, c uuid')} order by t, c)
  update ${incidentMembers} m set look = true from k where m.tenant_id = k.t and m.case_id = k.c`);

const parentClosed = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, c uuid')} order by t, c)
  update ${incidents} i set look = true from k where i.tenant_id = k.t and i.incident_id = k.c`);

/** What a chunk noted, as statements that are sent with its write. */
export function noteIncidents(session: Session, { joins, closed }: IncidentNotes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = [];
  if (joins.length > 0) {
    const rows = joins.map((one) => ({ t: one.tenantId, c: one.caseId, j: one.joining }));
    sent.push(session.run(join, { rows: JSON.stringify(rows) }));
  }
  for (const role of ['member', 'parent'] as const) {
    const rows = closed.filter((one) => one.role === role).map((one) => ({ t: one.tenantId, c: one.caseId }));
    const note = role === 'member' ? memberClosed : parentClosed;
    if (rows.length > 0) sent.push(session.run(note, { rows: JSON.stringify(rows) }));
  }
  return sent;
}

const TURN_LOCK = 7_305_403; // any number that nothing else in the database uses
const turn = statement<{ mine: boolean }>(sql`select pg_try_advisory_xact_lock(${sql.raw(String(TURN_LOCK))}) as mine`);

interface RawMember {
  readonly tenant_id: string;
  readonly case_id: string;
  readonly incident_id: string | null;
  readonly state: IncidentMember['state'];
  readonly joining: Joining | null;
}
const MEMBER = sql.raw('m.tenant_id, m.case_id, m.incident_id, m.state, m.joining');
const toMember = (raw: RawMember): IncidentMember => ({
  ...{ tenantId: raw.tenant_id, caseId: raw.case_id, incidentId: raw.incident_id },
  ...{ state: raw.state, joining: raw.joining },
});

const noted = statement<RawMember>(sql`
  select ${MEMBER} from ${incidentMembers} m where m.look
  order by m.joined_at, m.case_id limit ${sql.placeholder('limit')}`);

const acted = statement<{ record: Incident }>(sql`
  (select i.record from ${incidents} i where i.look order by i.tenant_id, i.incident_id limit ${sql.placeholder('limit')})
  union all
  (select i.record from ${incidents} i where i.due_at <= ${NOW} and not i.look
    order by i.due_at limit ${sql.placeholder('most')})`);

const byKey = statement<{ record: Incident }>(sql`
  select i.record from ${recordset('keys', 'k', 't text, k text')} cross join lateral (
    select i.record from ${incidents} i where i.tenant_id collate "C" = k.t and i.key = k.k and i.taking offset 0) i`);

const byId = statement<{ record: Incident }>(sql`
  select i.record from ${recordset('ids', 'k', 't text, i uuid')} cross join lateral (
    select i.record from ${incidents} i where i.tenant_id = k.t and i.incident_id = k.i offset 0) i`);

const bound = statement<RawMember>(sql`
  select ${MEMBER} from ${recordset('ids', 'k', 't text, i uuid')} cross join lateral (
    select m.* from ${incidentMembers} m where m.tenant_id collate "C" = k.t and m.incident_id = k.i
      and m.state in ('gathering', 'waiting') order by m.joined_at, m.case_id limit ${sql.placeholder('limit')}) m
  order by m.joined_at, m.case_id limit ${sql.placeholder('most')}`);

// Those that take no members any more first: another one of the same key may take them from now on.
const save = statement<never>(sql`
  insert into ${incidents} as i (tenant_id, incident_id, key, taking, look, due_at, record)
  select t, i, k, g, l, ${at('e')}, d from ${recordset(
    'rows',
    'r',
    't text, i uuid, k text, g bool, l bool, e float8, d jsonb',
  )}
  on conflict (tenant_id, incident_id) do update set taking = excluded.taking, look = excluded.look,
    due_at = excluded.due_at, record = excluded.record`);

const saveMembers = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, c uuid, i uuid, s text')} order by t, c)
  update ${incidentMembers} m set incident_id = k.i, state = k.s, look = false, joining = null
  from k where m.tenant_id = k.t and m.case_id = k.c`);

const idsJson = (ids: readonly IncidentKey[]): string =>
  JSON.stringify(ids.map(({ tenantId, incidentId }) => ({ t: tenantId, i: incidentId })));

const rowOf = (one: Incident & { readonly look: boolean }) => {
  const { look, ...record } = one;
  const { tenantId: t, incidentId: i, terms, taking: g } = record;
  return { t, i, k: terms.key, g, l: look, e: gathersUntil(record), d: record };
};

export const incidentsOn = (session: Session): IncidentTx => ({
  async claimTurn() {
    const [row] = await session.run(turn, {});
    return row?.mine === true;
  },
  async work(limit) {
    const [members, found] = await Promise.all([
      session.run(noted, { limit }),
      session.run(acted, { limit, most: limit }),
    ]);
    return { members: members.map(toMember), incidents: found.map(({ record }) => record) };
  },
  async find(keys, ids) {
    const [taking, known] = await Promise.all([
      session.run(byKey, { keys: JSON.stringify(keys.map(({ tenantId: t, key: k }) => ({ t, k }))) }),
      session.run(byId, { ids: idsJson(ids) }),
    ]);
    const all = [...taking, ...known].map(({ record }) => record);
    return [...new Map(all.map((one) => [`${one.tenantId}:${one.incidentId}`, one])).values()];
  },
  bound: async (ids, limit) => (await session.run(bound, { ids: idsJson(ids), limit, most: limit })).map(toMember),
  async save(list, members) {
    const ended = list.filter(({ taking }) => !taking).map(rowOf);
    const taking = list.filter((one) => one.taking).map(rowOf);
    for (const rows of [ended, taking]) if (rows.length > 0) await session.run(save, { rows: JSON.stringify(rows) });
    if (members.length === 0) return;
    const rows = members.map((m) => ({ t: m.tenantId, c: m.caseId, i: m.incidentId, s: m.state }));
    await session.run(saveMembers, { rows: JSON.stringify(rows) });
  },
});
