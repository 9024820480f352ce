/** The port over a driver: each method of `Tx` is one of the prepared statements, on the transaction's session. */

import { sql } from './drizzle.js';
import { positionName, type Store, type Tx } from './port.js';
import { lockBudgets, sweepBudgets } from './sql/budgets.js';
import { databaseClock, lockCases, openChunk } from './sql/cases.js';
import {
  editDeadLetter,
  lockDeadLetter,
  markDeadLettersPublished,
  settleDeadLetter,
  unpublishedDeadLetters,
} from './sql/dead-letters.js';
import { type Driver, type Session, statement } from './sql/driver.js';
import { dueWork } from './sql/due.js';
import { countFingerprints, forgetFingerprints } from './sql/fingerprints.js';
import { incidentsOn } from './sql/incidents.js';
import { claimIdempotencyKeys, createCases, lockOpen, saveIdempotentAnswers } from './sql/ingest.js';
import { claimExecutions, endExecutions, extendLeases } from './sql/ledger.js';
import { deleteOutbox, journalData, sentTo, staleOutbox, unseen } from './sql/outbox.js';
import { beat, knownTenants } from './sql/registry.js';
import { schedulesOn } from './sql/schedules.js';
import { scopeOf } from './sql/scope.js';
import { claimTimerTurn, dueTimers, takeTimers } from './sql/timers.js';
import { lockWait, saveDecision } from './sql/waits.js';
import { write } from './sql/write.js';

const alive = statement<{ alive: number }>(sql`select 1 as alive`);

export function createStore(driver: Driver): Store {
  return {
    transaction: async (scope, body) =>
      driver.transaction(scopeOf(scope), (session) => body(transactionOf(session)), true),
    async ping() {
      await driver.transaction({ kind: 'tenants', list: '' }, (session) => session.run(alive, {}));
    },
    close: () => driver.close(),
  };
}

function transactionOf(s: Session): Tx {
  const opened = new Map<string, number | null>();
  return {
    async openChunk(positions, refs, sections, stage) {
      const chunk = await openChunk(s, positions, refs, sections, stage);
      for (const position of positions) opened.set(positionName(position), chunk.next.get(position.partition) ?? null);
      return chunk;
    },
    lockCases: (keys, sections) => lockCases(s, keys, sections),
    write: (batch) => write(s, batch, (position) => opened.get(positionName(position))),
    last: (work) => s.last(work),
    journalData: (refs) => journalData(s, refs),
    now: () => databaseClock(s),
    lockOpen: (keys) => lockOpen(s, keys),
    createCases: (cases) => createCases(s, cases),
    countFingerprints: (reports) => countFingerprints(s, reports),
    forgetFingerprints: (ms, limit) => forgetFingerprints(s, ms, limit),
    claimIdempotencyKeys: (claims) => claimIdempotencyKeys(s, claims),
    saveIdempotentAnswers: (answers) => saveIdempotentAnswers(s, answers),
    dueWork: (withOutbox) => dueWork(s, withOutbox),
    staleOutbox: (ms, limit) => staleOutbox(s, ms, limit),
    deleteOutbox: (published) => deleteOutbox(s, published),
    unseen: (after, limit) => unseen(s, after, limit),
    sentTo: (stage, since, after, limit) => sentTo(s, stage, since, after, limit),
    claimTimerTurn: () => claimTimerTurn(s),
    dueTimers: (limit) => dueTimers(s, limit),
    takeTimers: (timers) => takeTimers(s, timers),
    claimExecutions: (owner, limit, leaseMs) => claimExecutions(s, owner, limit, leaseMs),
    extendLeases: (owner, executions, leaseMs) => extendLeases(s, owner, executions, leaseMs),
    endExecutions: (ends) => endExecutions(s, ends),
    lockWait: (tenantId, waitId) => lockWait(s, tenantId, waitId),
    saveDecision: (wait) => saveDecision(s, wait),
    lockDeadLetter: (tenantId, id) => lockDeadLetter(s, tenantId, id),
    settleDeadLetter: (settlement) => settleDeadLetter(s, settlement),
    editDeadLetter: (tenantId, id, input, by) => editDeadLetter(s, tenantId, id, input, by),
    unpublishedDeadLetters: (limit) => unpublishedDeadLetters(s, limit),
    markDeadLettersPublished: (letters) => markDeadLettersPublished(s, letters),
    lockBudgets: (keys) => lockBudgets(s, keys),
    sweepBudgets: (limit) => sweepBudgets(s, limit),
    knownTenants: (tenants) => knownTenants(s, tenants),
    beat: (worker) => beat(s, worker),
    schedules: schedulesOn(s),
    incidents: incidentsOn(s),
  };
}
