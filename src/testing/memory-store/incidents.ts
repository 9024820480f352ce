/** Incidents, as `sql/incidents.ts` keeps them. */
import { gathersUntil, type Incident } from '../../core/incident.js';
import type { IncidentKey, IncidentMember, IncidentNotes, IncidentTx } from '../../core/incident-work.js';
import type { StoredIncident, StoredMember, Table } from './database.js';
import { refusal } from './locks.js';
import { type Context, checkTenant, compare, lockRow } from './statements.js';

const TURN = 'the incidents’ turn';
const TAKING = 'incidents_taking';
const nameOf = (tenantId: string, id: string): string => `${tenantId}:${id}`;

/** What a chunk noted. */
export async function noteIncidents(context: Context, { joins, closed }: IncidentNotes): Promise<void> {
  const { database, transaction } = context;
  const { incidents, incidentMembers } = database.tables;
  for (const { tenantId, caseId, joining } of joins) {
    checkTenant(context, tenantId);
    const name = nameOf(tenantId, caseId);
    await lockRow(context, incidentMembers, name);
    if (transaction.get(incidentMembers, name) !== undefined) continue;
    const at = database.clock();
    const fresh = { tenantId, caseId, incidentId: null, state: 'new', joining, look: true, at } as const;
    transaction.set(incidentMembers, name, fresh);
  }
  for (const { tenantId, caseId, role } of closed) {
    if (role === 'member') await note(context, incidentMembers, nameOf(tenantId, caseId));
    else await note(context, incidents, nameOf(tenantId, caseId));
  }
}

async function note<Row extends { readonly look: boolean }>(
  context: Context,
  table: Table<Row>,
  name: string,
): Promise<void> {
  if (context.transaction.get(table, name) === undefined) return;
  await lockRow(context, table, name);
  const row = context.transaction.get(table, name);
  if (row !== undefined) context.transaction.set(table, name, { ...row, look: true });
}

const plainMember = ({ look: _, at: __, ...member }: StoredMember): IncidentMember => member;
const plain = ({ look: _, ...incident }: StoredIncident): Incident => incident;
const byAge = (a: StoredMember, b: StoredMember): number => a.at - b.at || compare(a.caseId, b.caseId);

function visible<Row extends { readonly tenantId: string }>({ transaction }: Context, table: Table<Row>): Row[] {
  return transaction.rows(table).filter(({ tenantId }) => transaction.sees(tenantId));
}

const isDue = (context: Context, incident: Incident): boolean =>
  (gathersUntil(incident) ?? Number.POSITIVE_INFINITY) <= context.database.clock();

function work(context: Context, limit: number) {
  const { incidents, incidentMembers } = context.database.tables;
  const members = visible(context, incidentMembers).filter(({ look }) => look);
  const found = visible(context, incidents);
  const noted = found.filter(({ look }) => look).slice(0, limit);
  const due = found.filter((one) => !one.look && isDue(context, one)).slice(0, limit);
  return {
    members: members.sort(byAge).slice(0, limit).map(plainMember),
    incidents: [...noted, ...due].map(plain),
  };
}

function bound(context: Context, ids: readonly IncidentKey[], limit: number): IncidentMember[] {
  const wanted = new Set(ids.map(({ tenantId, incidentId }) => nameOf(tenantId, incidentId)));
  return visible(context, context.database.tables.incidentMembers)
    .filter(({ tenantId, incidentId }) => wanted.has(nameOf(tenantId, incidentId ?? '')))
    .filter(({ state }) => state === 'gathering' || state === 'waiting')
    .sort(byAge)
    .slice(0, limit)
    .map(plainMember);
}

/** The unique index: one of a key takes members. Who writes the same key meanwhile is waited for, as Postgres does. */
async function checkTaking(context: Context, { tenantId, incidentId, terms: { key } }: Incident): Promise<void> {
  const { incidents } = context.database.tables;
  await lockRow(context, { name: TAKING }, nameOf(tenantId, key));
  const isOther = (one: Incident): boolean =>
    one.taking && one.tenantId === tenantId && one.terms.key === key && one.incidentId !== incidentId;
  if (context.transaction.rows(incidents).some(isOther)) throw refusal('23505', TAKING);
}

async function save(context: Context, ...[list, members]: Parameters<IncidentTx['save']>): Promise<void> {
  const { database, transaction } = context;
  const { incidents, incidentMembers } = database.tables;
  for (const one of [...list].sort((a, b) => Number(a.taking) - Number(b.taking))) {
    checkTenant(context, one.tenantId);
    await lockRow(context, incidents, nameOf(one.tenantId, one.incidentId));
    if (one.taking) await checkTaking(context, one);
    transaction.set(incidents, nameOf(one.tenantId, one.incidentId), one);
  }
  for (const { tenantId, caseId, incidentId, state } of members) {
    const name = nameOf(tenantId, caseId);
    await lockRow(context, incidentMembers, name);
    const row = transaction.get(incidentMembers, name);
    if (row !== undefined)
      transaction.set(incidentMembers, name, { ...row, incidentId, state, joining: null, look: false });
  }
}

type Run = <T>(what: string, statement: (context: Context) => T | Promise<T>) => Promise<T>;

export const incidentsOn = (run: Run): IncidentTx => ({
  claimTurn: () => run('claimTurn', ({ database, transaction }) => database.locks.tryTake(transaction, TURN, '')),
  work: (limit) => run('work', (context) => work(context, limit)),
  find: (keys, ids) =>
    run('find', (context) => {
      const taking = new Set(keys.map(({ tenantId, key }) => nameOf(tenantId, key)));
      const known = new Set(ids.map(({ tenantId, incidentId }) => nameOf(tenantId, incidentId)));
      return visible(context, context.database.tables.incidents)
        .filter(
          (one) =>
            known.has(nameOf(one.tenantId, one.incidentId)) ||
            (one.taking && taking.has(nameOf(one.tenantId, one.terms.key))),
        )
        .map(plain);
    }),
  bound: (ids, limit) => run('bound', (context) => bound(context, ids, limit)),
  save: (list, members) => run('save', (context) => save(context, list, members)),
});
