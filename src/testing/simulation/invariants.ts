/** What must hold when all is at rest. Each finding says what broke, in one line. */
import { type CaseStatus, isClosed } from '../../core/case.js';
import type { EventType } from '../../core/events.js';
import { stageFor } from '../../core/events.js';
import { STAGES, type StageName, TOPIC_OF } from '../../core/stages.js';
import type { KeptException } from '../../core/waiting.js';
import { REPLAY_HEADER } from '../../runtime/letter.js';
import { checkIncidents, mayWait } from './incidents.js';
import { checkDropped, checkGroup, dataOf, eventIdAnew, type Say, type Story, Told } from './waiting.js';
import type { World } from './world.js';

export function judge(world: World): void {
  const say: Say = (what) => world.violated(what);
  const stories = storiesOf(world);
  if (world.mutant?.judgesNumbersOnly) {
    if (!world.restored) checkNumbers(world, say);
    return;
  }
  for (const story of stories) {
    checkJournal(story, say);
    checkOnce(story, say);
    checkState(story, say);
    checkDropped(world, story, say);
    checkGroup(story, say);
    checkEnd(world, story, stories, say);
  }
  checkIncidents(world, stories, say);
  checkReports(world, stories, say);
  checkEffects(world, stories, say);
  checkDecisions(world, stories, say);
  checkDeadLetters(world, say);
  if (!world.restored && !world.log.hasLost) checkOrder(world, say);
}

function storiesOf(world: World): Story[] {
  const entries = new Map<string, Told[]>();
  for (const entry of world.database.tables.journal.rows.values()) {
    const told = new Told(entry);
    const list = entries.get(entry.caseId);
    if (list) list.push(told);
    else entries.set(entry.caseId, [told]);
  }
  return [...world.database.tables.cases.rows.values()].map((row) => {
    const own = (entries.get(row.state.caseId) ?? []).sort((a, b) => a.seq - b.seq);
    return { name: world.nameOf(row.state.caseId), row, entries: own };
  });
}

/** Numbered without a gap, each event once, each after the one before it on its topic, each with a cause that is there. */
function checkJournal({ name, row, entries }: Story, say: Say): void {
  const ids = new Set<string>();
  const last = new Map<string, number>();
  if (entries.length !== row.seq) say(`${name} has ${entries.length} events, but its last number is ${row.seq}`);
  entries.forEach((entry, i) => {
    const stage = stageFor(entry.type);
    if (entry.seq !== i + 1) say(`${name}: event ${i + 1} has the number ${entry.seq}`);
    if (ids.has(entry.eventId)) say(`${name}: the event ${entry.type} #${entry.seq} is in the journal twice`);
    if (entry.causeId !== null && !ids.has(entry.causeId))
      say(`${name}: the cause of #${entry.seq} is not in the journal`);
    ids.add(entry.eventId);
    if (stage === null) return;
    if (entry.after !== (last.get(stage) ?? 0)) say(`${name}: #${entry.seq} says that it follows #${entry.after}`);
    last.set(stage, entry.seq);
  });
}

/** No two events of a case have the same number, neither in the journal nor on a topic. */
function checkNumbers({ database, log, poison }: World, say: Say): void {
  const bad = new Set(poison.map(({ stage, partition, offset }) => `${stage} ${partition} ${offset}`));
  const ids = new Map([...database.tables.journal.rows].map(([key, { eventId }]) => [key, eventId]));
  for (const stage of STAGES) {
    log.topics[stage].forEach(({ records }, partition) => {
      for (const { key, offset, headers } of records) {
        if (bad.has(`${stage} ${partition} ${offset}`) || REPLAY_HEADER in headers) continue;
        const name = `${key}:${headers.ce_seq}`;
        if ((ids.get(name) ?? headers.ce_id) !== headers.ce_id)
          say(`two events have the number ${headers.ce_seq} of a case`);
      }
    });
  }
}

/** Without what was appended for an edited dead letter: the report is in the journal once more, as it was mended. */
const asSent = (entries: readonly Told[]): readonly Told[] =>
  entries.filter(({ type, causeId }) => type !== 'ExceptionIngested' || causeId === null);

/** One event leads to one decision; one wait, timer, call comes to one end. */
function checkOnce({ name, entries }: Story, say: Say): void {
  const once = (what: string, ids: readonly string[]): void => {
    if (new Set(ids).size !== ids.length) say(`${name}: ${what} twice`);
  };
  once(
    'an approval was resolved',
    dataOf(entries, 'WaitResolved').map(({ waitId }) => waitId),
  );
  once(
    'people were reminded',
    dataOf(entries, 'ApprovalReminded').map(({ waitId, count }) => `${waitId} ${count}`),
  );
  const fired = entries.filter(({ emitter }) => emitter === 'timers'); // a replayed letter says it once more
  once(
    'a timer has fired',
    [...dataOf(fired, 'TimerFired'), ...dataOf(fired, 'AccumulationElapsed')].map(({ timerId }) => timerId),
  );
  once(
    'a call was asked for',
    dataOf(entries, 'ToolRequested').map(({ executionId }) => executionId),
  );
  once(
    'a call has ended',
    dataOf(entries, 'ToolFinished').map(({ executionId }) => executionId),
  );
  const reports = dataOf(asSent(entries), 'ExceptionIngested').filter(({ via }) => via === 'api');
  once(
    'a report was accepted',
    reports.map(({ item }) => JSON.stringify(item)),
  );
}

const STATUS_AFTER: Readonly<Partial<Record<EventType, CaseStatus>>> = {
  ExceptionHeld: 'WAITING',
  IncidentOpened: 'WAITING',
  ExceptionNormalized: 'NORMALIZED',
  ExceptionTriaged: 'TRIAGED',
  PolicyEvaluated: 'EVALUATED',
  CaseSuppressed: 'SUPPRESSED',
  ToolRequested: 'RUNNING',
  ApprovalRequested: 'WAITING',
  CaseEscalated: 'ESCALATED',
};

/** The history goes on with each report; what it then is stands in no event but the report's. */
const withoutHistory = (exception: KeptException | null): unknown => exception && { ...exception, history: undefined };

/** The case is what its journal says. */
function checkState({ name, row: { state, blocked }, entries }: Story, say: Say): void {
  let status: CaseStatus = 'OPEN';
  for (const { type, data } of entries) {
    status = STATUS_AFTER[type] ?? status;
    if (type === 'ExceptionCorrelated' && data.includes('"run":"parent"')) status = 'WAITING';
    if (type === 'PlaybookFinished') status = data.includes('"outcome":"canceled"') ? 'CANCELED' : 'RESOLVED';
  }
  if (state.status !== status) say(`${name} is ${state.status}, its journal says ${status}`);
  const differs = (section: string, kept: unknown, told: unknown): void => {
    if (JSON.stringify(kept ?? null) !== JSON.stringify(told ?? null))
      say(`${name}: its ${section} is not the journal's`);
  };
  const [normalized] = dataOf(entries, 'ExceptionNormalized').slice(-1);
  if (normalized) differs('exception', withoutHistory(state.exception), withoutHistory(normalized.exception));
  differs('category', state.triage?.category, dataOf(entries, 'ExceptionTriaged').at(-1)?.triage.category);
  const captured = dataOf(entries, 'FeedbackCaptured');
  differs('feedback', state.feedback?.outcome, captured.at(-1)?.outcome);
  const reports = dataOf(entries, 'ExceptionIngested');
  const isMended = dataOf(entries, 'CaseUnblocked').length > 0; // a report was discarded, or counts as another
  if (state.exception === null || blocked || isMended || reports.some(({ via }) => via === 'reingest')) return;
  const count = reports.filter(({ resolve }) => !resolve).reduce((sum, report) => sum + report.count, 0);
  if (state.count !== count) say(`${name} counts ${state.count} reports, there were ${count}`);
}

/** Nothing is stuck: each case has ended, each stage has seen all that was sent to it, nothing waits for ever. */
function checkEnd(world: World, story: Story, stories: readonly Story[], say: Say): void {
  const { name, row, entries } = story;
  const { state, sent, seen, blocked } = row;
  const reports = dataOf(entries, 'ExceptionIngested').map(({ item }) => JSON.stringify(item));
  const isBad = world.reports.some(
    (report) => report.isBad && reports.some((text) => text.includes(`"${report.key}"`)),
  );
  if (blocked) {
    if (!isBad) say(`${name} is blocked without a reason`);
    return;
  }
  for (const stage of STAGES) {
    if ((sent[stage] ?? 0) !== (seen[stage] ?? 0))
      say(`${name}: ${stage} has seen #${seen[stage] ?? 0} of #${sent[stage] ?? 0}`);
  }
  const isLeft = dataOf(entries, 'CaseUnblocked').some(({ action }) => action === 'discarded');
  if (!isClosed(state.status) && state.status !== 'ESCALATED' && !isLeft && !mayWait(world, story, stories))
    say(`${name} has not come to its end: ${state.status}`);
  const waits = [...world.database.tables.waits.rows.values()].filter(({ caseId }) => caseId === state.caseId);
  for (const { status, step } of waits)
    if (status === 'open' || status === 'decided') say(`${name}: its wait ${step} is ${status} for ever`);
}

/** Each report is in the journal of one case. */
function checkReports(world: World, stories: readonly Story[], say: Say): void {
  const times = new Map<string, number>();
  const letters = [...world.database.tables.letters.rows.values()];
  const anew = new Set(letters.map(eventIdAnew));
  for (const { entries } of stories) {
    const own = asSent(entries).filter(({ eventId }) => !anew.has(eventId));
    for (const { item, via } of dataOf(own, 'ExceptionIngested')) {
      const { fields } = item as { readonly fields: { readonly report: string } };
      if (via === 'api') times.set(fields.report, (times.get(fields.report) ?? 0) + 1);
    }
  }
  for (const { key, name, answered, resolve } of world.reports) {
    const found = times.get(key) ?? 0;
    if (found > 1) say(`report ${name} was taken ${found} times`);
    if (found === 0 && answered && !resolve) say(`report ${name} was accepted and is lost`);
  }
}

/** Each call that the ledger calls done had its effect, under one key; none that may happen once happened twice. */
function checkEffects(world: World, stories: readonly Story[], say: Say): void {
  const calls = [...world.database.tables.executions.rows.values()];
  for (const { row, status } of calls) {
    const name = world.nameOf(row.caseId);
    const effect = world.sink.effects.get(row.executionId);
    if (status === 'succeeded' && effect === undefined)
      say(`${name}: the call of ${row.tool} ended well and had no effect`);
    if (status === 'pending' || status === 'leased') say(`${name}: the call of ${row.tool} is ${status} for ever`);
  }
  if (world.restored) return;
  const known = new Set(calls.map(({ row }) => row.executionId));
  for (const [key, { effect, applied }] of world.sink.effects) {
    if (!known.has(key)) say(`an effect has no call on the ledger: ${key}`);
    if (effect === 'at_most_once' && applied > 1) say(`a call that may happen once happened ${applied} times`);
  }
  const ends = new Set(
    stories.flatMap(({ entries }) => dataOf(entries, 'ToolFinished').map(({ executionId }) => executionId)),
  );
  for (const { row, status } of calls) {
    const isTold = ends.has(row.executionId);
    if (isTold === (status === 'canceled'))
      say(`${world.nameOf(row.caseId)}: the call of ${row.tool} is ${status}, and told: ${isTold}`);
  }
}

/** What an approver was told is what the journal says. */
function checkDecisions({ decided }: World, stories: readonly Story[], say: Say): void {
  const told = new Map(
    stories.flatMap(({ entries }) => dataOf(entries, 'WaitResolved').map((one) => [one.waitId, one.decision])),
  );
  for (const [waitId, decision] of decided) {
    if (told.get(waitId) !== decision) say(`an approver was told ${decision}, the journal says ${told.get(waitId)}`);
  }
}

/** Each poison has its letter, unless the log has forgotten it; a letter is about poison or a report that is refused. */
function checkDeadLetters(world: World, say: Say): void {
  const letters = [...world.database.tables.letters.rows.values()];
  const placeOf = (topic: string, partition: number, offset: number): string => `${topic}/${partition} ${offset}`;
  const found = new Set(letters.map(({ topic, partition, offset }) => placeOf(topic, partition, offset)));
  const poison = new Set<string>();
  for (const { stage, partition, offset, kind } of world.poison) {
    const place = placeOf(TOPIC_OF[stage], partition, offset);
    poison.add(place);
    if (!found.has(place) && !isGone(world, stage, partition, offset))
      say(`the poison (${kind}) at ${place} has no dead letter`);
  }
  if (world.restored) return;
  const bad = world.reports.some(({ isBad }) => isBad);
  for (const { topic, partition, offset, code, message } of letters) {
    const isTheirs =
      bad &&
      topic === TOPIC_OF.intake &&
      (code === 'DATA_REFUSED' || code.startsWith('FIELD') || code === 'ITEM_INVALID');
    if (!poison.has(placeOf(topic, partition, offset)) && !isTheirs)
      say(`a sound record is a dead letter: ${topic} ${code} ${message}`);
  }
}

/** The log forgot it, or the group was set behind it and nothing has come since. */
function isGone({ log, database }: World, stage: StageName, partition: number, offset: number): boolean {
  const { low = 0, high = 0, fetchAt = 0 } = log.topics[stage][partition] ?? {};
  const next = database.tables.positions.rows.get(`${stage} ${TOPIC_OF[stage]} 1 ${partition}`)?.next ?? 0;
  return low > offset || (next <= offset && fetchAt === high);
}

/** The first time that the events of a case appear on a topic they are in order. */
function checkOrder(world: World, say: Say): void {
  const poison = new Set(world.poison.map(({ stage, partition, offset }) => `${stage} ${partition} ${offset}`));
  for (const stage of STAGES) {
    world.log.topics[stage].forEach(({ records }, partition) => {
      const last = new Map<string, number>();
      for (const { headers, offset } of records) {
        const { ce_caseid: caseId = '', ce_seq } = headers;
        if (poison.has(`${stage} ${partition} ${offset}`) || REPLAY_HEADER in headers) continue;
        const seq = Number(ce_seq);
        const before = last.get(caseId) ?? 0;
        if (seq > before) last.set(caseId, seq);
        else if (!isRepeat(records, offset, headers))
          say(`${world.nameOf(caseId)}: #${seq} comes on ${TOPIC_OF[stage]} after #${before}`);
      }
    });
  }
}

function isRepeat(
  records: World['log']['topics']['intake'][0]['records'],
  offset: number,
  { ce_id }: Readonly<Record<string, string>>,
): boolean {
  return records.findIndex(({ headers }) => headers.ce_id === ce_id) < offset;
}
