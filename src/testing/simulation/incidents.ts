/** What must hold of incidents and their members. */
import { isClosed } from '../../core/case.js';
import type { Incident } from '../../core/incident.js';
import type { StoredIncident, StoredMember } from '../memory-store/index.js';
import { dataOf, type Say, type Story } from './waiting.js';
import type { World } from './world.js';

const NEVER = Number.MAX_SAFE_INTEGER;

export function checkIncidents(world: World, stories: readonly Story[], say: Say): void {
  if (world.mutant?.lockOnRead === false) return; // a member hangs on its case's lock: it has no version of its own
  const { incidents, incidentMembers } = world.database.tables;
  const byId = new Map(stories.map((story) => [story.row.state.caseId, story]));
  const members = [...incidentMembers.rows.values()];
  for (const story of stories) checkAsked(story, members, say);
  for (const member of members) {
    const incident = [...incidents.rows.values()].find(({ incidentId }) => incidentId === member.incidentId);
    checkMember(member, incident, byId.get(member.caseId), byId.get(member.incidentId ?? ''), say);
  }
  for (const incident of incidents.rows.values()) {
    const own = members.filter(({ incidentId }) => incidentId === incident.incidentId);
    checkIncident(incident, own, byId.get(incident.incidentId), say);
  }
  checkKeys([...incidents.rows.values()], byId, say);
}

/** Who asked to be a member is one, of one incident; nobody else is. */
function checkAsked({ name, row, entries }: Story, members: readonly StoredMember[], say: Say): void {
  const asked = dataOf(entries, 'ExceptionCorrelated').length;
  const own = members.filter(({ caseId }) => caseId === row.state.caseId);
  if (asked > 1) say(`${name} asks ${asked} times to be a member`);
  if (own.length !== Math.min(asked, 1))
    say(`${name} asks ${asked} times to be a member, and is one ${own.length} times`);
  if (dataOf(entries, 'IncidentJoined').length > 1) say(`${name} has joined more than one incident`);
  const told = entries.filter(({ causeId }) => causeId === null); // an edited dead letter says it once more
  if (dataOf(told, 'IncidentEnded').length > 1) say(`${name} hears twice of its incident's end`);
}

function checkMember(
  { state, look }: StoredMember,
  incident: StoredIncident | undefined,
  story: Story | undefined,
  parent: Story | undefined,
  say: Say,
): void {
  if (story === undefined) {
    say('a member is no case');
    return;
  }
  const { name, row } = story;
  if (incident === undefined) {
    say(`${name} is a member of no incident`);
    return;
  }
  if (look) say(`${name} is a member that nobody looks at`);
  if (isClosed(row.state.status) !== (state === 'over'))
    say(`${name} is ${row.state.status}, and as a member ${state}`);
  const joins = dataOf(story.entries, 'IncidentJoined');
  const isTold = state !== 'over' || joins.length > 0; // it may have ended while the incident was gathering
  if (isTold && joins.length !== (parent === undefined ? 0 : 1))
    say(`${name} has ${joins.length} joins of its incident`);
  const waits = row.state.status === 'WAITING' && row.state.exception?.waiting?.kind === 'member';
  const isLeft = dataOf(story.entries, 'CaseUnblocked').some(({ action }) => action === 'discarded'); // what it waits for
  if (!waits || row.blocked || isLeft) return;
  if (state !== 'waiting') say(`${name} waits for its incident, and as a member it is ${state}`);
  if (parent === undefined || isClosed(parent.row.state.status)) say(`${name} waits for a parent that has ended`);
}

/** The figures are those of the members, and who is to end has ended. */
function checkIncident(
  incident: StoredIncident,
  own: readonly StoredMember[],
  parent: Story | undefined,
  say: Say,
): void {
  const { status, members, over, look, taking, terms } = incident;
  const name = `the incident of ${terms.rule}`;
  const closed = own.filter(({ state }) => state === 'over').length;
  if (members !== own.length) say(`${name} counts ${members} members, there are ${own.length}`);
  if (over !== closed) say(`${name} counts ${over} members as over, there are ${closed}`);
  if (look || status === 'gathering') say(`${name} is ${status}, and nobody looks at it`);
  if (taking && status !== 'open') say(`${name} takes members and is ${status}`);
  const isNone = incident.end?.outcome === 'alone';
  if (isNone !== (parent === undefined)) say(`${name} is ${status}, and its parent ${parent?.name ?? 'is not there'}`);
  if (parent === undefined) return;
  const { state, blocked } = parent.row;
  if (isClosed(state.status) !== (status === 'over')) say(`${name} is ${status}, its parent ${state.status}`);
  if (!blocked && !isClosed(state.status) && over >= members) say(`${name} has no open member, and its parent is open`);
  if (!blocked && state.count !== members) say(`${name} has ${members} members, its parent counts ${state.count}`);
}

/** At any time one incident takes the members of a key: the next one begins when its window or its parent is over. */
function checkKeys(all: readonly Incident[], byId: ReadonlyMap<string, Story>, say: Say): void {
  const timeOf = (entry: { readonly time: string } | undefined): number | undefined => entry && Date.parse(entry.time);
  const begun = ({ firstCase }: Incident): number =>
    timeOf(byId.get(firstCase)?.entries.find(({ type }) => type === 'ExceptionCorrelated')) ?? 0;
  const ended = ({ incidentId }: Incident): number =>
    timeOf(
      byId
        .get(incidentId)
        ?.entries.find(({ type, emitter }) => ENDS.has(type) || (emitter === 'correlator' && type === 'CaseCommanded')),
    ) ?? NEVER;
  const made = ({ incidentId }: Incident): number => timeOf(byId.get(incidentId)?.entries[0]) ?? NEVER; // none: no parent
  for (const one of all) {
    for (const other of all) {
      if (one === other || one.terms.key !== other.terms.key || begun(other) < begun(one)) continue;
      if (begun(other) === begun(one) && other.incidentId < one.incidentId) continue;
      const isLater = begun(other) >= one.lastAt + one.terms.windowMs;
      if (!isLater && made(other) < ended(one)) say(`two incidents of ${one.terms.rule} take members of one key`);
    }
  }
}

const ENDS: ReadonlySet<string> = new Set(['PlaybookFinished', 'CaseSuppressed']);

/** A member may wait for a parent that needs a person, and a parent for members that do. */
export function mayWait(world: World, { row }: Story, stories: readonly Story[]): boolean {
  const { caseId, exception, status } = row.state;
  if (status !== 'WAITING') return false;
  const kind = exception?.waiting?.kind;
  const { incidentMembers } = world.database.tables;
  const isOpen = (id: string | null): boolean =>
    stories.some(({ row: { state } }) => state.caseId === id && !isClosed(state.status));
  if (kind === 'member') {
    return isOpen([...incidentMembers.rows.values()].find((one) => one.caseId === caseId)?.incidentId ?? null);
  }
  const own = [...incidentMembers.rows.values()].filter(({ incidentId }) => incidentId === caseId);
  return kind === 'parent' && own.some((member) => isOpen(member.caseId));
}
