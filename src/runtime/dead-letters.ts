/**
 * What people do with dead letters: edit, replay, discard. Each is decided once, under the locks of the case and the
 * letter. A letter that holds a case is settled by letting the case go on from the journal, in order; a record that
 * belongs to no known event is sent again to its topic.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isClosed } from '../core/case.js';
import type { OutRecord } from '../core/envelope.js';
import { ProblemError } from '../core/errors.js';
import { deterministicId } from '../core/ids.js';
import type { DeadLetterStatus, LetterFilter } from '../core/letters.js';
import { STAGES } from '../core/stages.js';
import type { Log } from '../log/port.js';
import type { GatherDeps } from '../stages/contract.js';
import type { CaseRow, DeadLetterRecord, Store, Tx, Unpublished } from '../store/port.js';
import { writeDrafts } from './append.js';
import { CaseDraft, type Origin } from './draft.js';
import { replayRecord, type SourceReplay, sourceOf } from './inlets/replay.js';
import { REPLAY_HEADER } from './letter.js';
import { requestAnew } from './letter-anew.js';
import {
  type BlockingLetter,
  editedEmission,
  editedInput,
  eventOf,
  isBlocking,
  type LetterEdit,
} from './letter-edit.js';
import type { Publisher } from './publisher.js';

/** What it asks of the read queries. */
export interface LetterReads {
  getDeadLetter(tenantId: string, deadLetterId: string): Promise<{ readonly caseId: string | null } | null>;
  deadLetterIds(tenantId: string, filter: LetterFilter, limit: number): Promise<readonly string[]>;
}

export interface DeadLettersDeps {
  readonly store: Store;
  readonly log: Pick<Log, 'publish'>;
  readonly publisher: Publisher;
  readonly reads: LetterReads;
  /** A letter that failed after so many replays is parked: only `force` replays it again (3). */
  readonly replays?: number;
  readonly packs: Pick<GatherDeps, 'activePack'>;
  readonly sources: SourceReplay;
}

export interface LetterKey {
  readonly tenantId: string;
  readonly deadLetterId: string;
}

/** `resumed`: its exception goes on; `sent`: its record is on the topic again; `closed`: put away. */
export interface Settled {
  readonly deadLetterId: string;
  readonly outcome: 'resumed' | 'sent' | 'closed';
  readonly caseId: string | null;
  readonly events: number; // of the exception that are on their way again
}

export interface Discard {
  readonly by: string;
  readonly reason: string;
  readonly cancel?: boolean; // the exception that it holds ends too
}

export interface ReplayRequest {
  readonly tenantId: string;
  readonly filter: LetterFilter;
  readonly by: string;
  readonly force: boolean; // parked ones too
  readonly perSecond: number;
  readonly limit: number;
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ReplayProgress {
  readonly matched: number; // at most `limit`
  readonly replayed: number;
  readonly skipped: number; // settled by somebody else meanwhile
  readonly events: number;
}

const REPLAYS = 3;

export class DeadLetters {
  constructor(private readonly deps: DeadLettersDeps) {}

  /** Replays one. Throws ProblemError DEAD_LETTER_NOT_FOUND, DEAD_LETTER_SETTLED, DEAD_LETTER_PARKED, LOG_DOWN. */
  async replay(key: LetterKey, { by, force }: { readonly by: string; readonly force: boolean }): Promise<Settled> {
    const pack = await this.deps.packs.activePack(key.tenantId); // before the transaction: it asks the database, too
    return this.decide(key, force, async (tx, letter, row) => {
      const parks = letter.attempts >= (this.deps.replays ?? REPLAYS);
      await tx.settleDeadLetter({ ...key, status: 'replayed', by, reason: null, parks });
      if (row && isBlocking(letter)) {
        const request = await requestAnew(tx, row, letter, this.deps.sources.newId);
        const resumed = await resume(tx, row, letter, { action: 'replayed', by, isAnew: request !== undefined });
        const anew = request === undefined ? [] : (await this.deps.sources.ingestion.acceptIn(tx, [request])).batches;
        return { outcome: 'resumed', batches: [resumed, ...anew] };
      }
      const source = sourceOf(letter);
      if (source === undefined) await this.sendAgain(letter);
      const batches = source === undefined ? [] : await replayRecord(tx, letter, source, pack, this.deps.sources);
      return { outcome: 'sent', batches };
    });
  }

  /**
   * Puts one away without its event having any effect. Throws as `replay`, but never DEAD_LETTER_PARKED; NOTHING_TO_CANCEL,
   * DISCARD_STRANDS.
   */
  async discard(key: LetterKey, { by, reason, cancel = false }: Discard): Promise<Settled> {
    return this.decide(key, true, async (tx, letter, row) => {
      await tx.settleDeadLetter({ ...key, status: 'discarded', by, reason, parks: false });
      if (row && isBlocking(letter)) {
        if (!cancel && isItsEndOfWaiting(row, letter)) throw new ProblemError(STRANDS, 409);
        const resumed = await resume(tx, row, letter, { action: 'discarded', by, ...(cancel && { cancel: reason }) });
        return { outcome: 'resumed', batches: [resumed] };
      }
      if (cancel) throw new ProblemError(HOLDS_NOTHING, 409);
      return { outcome: 'closed', batches: [] };
    });
  }

  /** Keeps what is to be sent instead; the old input stays. Throws as `discard` does, and INPUT_INVALID. */
  async edit(key: LetterKey, edit: LetterEdit, by: string): Promise<void> {
    await this.deps.store.transaction([key.tenantId], async (tx) => {
      const letter = await lockOpen(tx, key, true);
      const input = editedInput(letter, edit, await tx.now());
      await tx.editDeadLetter(key.tenantId, key.deadLetterId, input, by);
    });
  }

  /** Replays what the filter names, the oldest first, at a rate. Throws LOG_DOWN; what was replayed before, is. */
  async replayMany(request: ReplayRequest): Promise<ReplayProgress> {
    const { tenantId, by, force, perSecond, limit, signal } = request;
    const status: DeadLetterStatus[] = force ? ['open', 'parked'] : ['open'];
    const ids = await this.deps.reads.deadLetterIds(tenantId, { ...request.filter, status }, limit);
    let progress: ReplayProgress = { matched: ids.length, replayed: 0, skipped: 0, events: 0 };
    const started = performance.now();
    for (const [index, deadLetterId] of ids.entries()) {
      const waitMs = started + (index * 1_000) / perSecond - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
      if (signal?.aborted) return progress;
      progress = await this.replayNext(progress, { tenantId, deadLetterId }, { by, force });
      request.onProgress?.(progress);
    }
    return progress;
  }

  private async replayNext(
    progress: ReplayProgress,
    key: LetterKey,
    how: { readonly by: string; readonly force: boolean },
  ): Promise<ReplayProgress> {
    try {
      const { events } = await this.replay(key, how);
      return { ...progress, replayed: progress.replayed + 1, events: progress.events + events };
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 409) throw error;
      return { ...progress, skipped: progress.skipped + 1 };
    }
  }

  /** Locks case and letter, lets `body` decide, and publishes what it appended. */
  private async decide(
    key: LetterKey,
    force: boolean,
    body: (tx: Tx, letter: DeadLetterRecord, row: CaseRow | undefined) => Promise<Decided>,
  ): Promise<Settled> {
    const { tenantId, deadLetterId } = key;
    const found = await this.deps.reads.getDeadLetter(tenantId, deadLetterId);
    if (!found) throw notFound();
    const { caseId } = found;
    const { outcome, batches } = await this.deps.store.transaction([tenantId], async (tx) => {
      const [row] = caseId === null ? [] : await tx.lockCases([{ tenantId, caseId }], []);
      return body(tx, await lockOpen(tx, key, force), row);
    });
    void this.deps.publisher.publish(...batches);
    const events = batches.reduce((sum, batch) => sum + (batch?.entries.length ?? 0), 0);
    return { deadLetterId, outcome, caseId, events };
  }

  /** Within the transaction that settles it: sent twice is harmless, never sent is not. */
  private async sendAgain(letter: DeadLetterRecord): Promise<void> {
    const { key, value, headers } = letter.edited ?? letter;
    const record: OutRecord = {
      topic: letter.topic,
      key,
      value: value === '' ? null : Buffer.from(value, 'base64'),
      headers: { ...headers, [REPLAY_HEADER]: letter.deadLetterId },
    };
    try {
      await this.deps.log.publish([record]);
    } catch (error) {
      const message = `The record could not be sent: ${(error as Error).message}`;
      throw new ProblemError({ code: 'LOG_DOWN', message, hint: 'The letter is still open; try again.' }, 503);
    }
  }
}

interface Decided {
  readonly outcome: Settled['outcome'];
  readonly batches: readonly (Unpublished | null)[];
}

async function lockOpen(tx: Tx, { tenantId, deadLetterId }: LetterKey, force: boolean): Promise<DeadLetterRecord> {
  const letter = await tx.lockDeadLetter(tenantId, deadLetterId);
  if (!letter) throw notFound();
  if (letter.status === 'parked' && !force) {
    const message = `It failed ${letter.attempts} times and is parked.`;
    const hint = 'Remove the cause or edit it; then replay it with `force`.';
    throw new ProblemError({ code: 'DEAD_LETTER_PARKED', message, hint }, 409);
  }
  if (letter.status === 'open' || letter.status === 'parked') return letter;
  const message = `It is ${letter.status} already.`;
  throw new ProblemError({ code: 'DEAD_LETTER_SETTLED', message, hint: 'Somebody was faster: show it again.' }, 409);
}

const notFound = (): ProblemError =>
  new ProblemError(
    {
      code: 'DEAD_LETTER_NOT_FOUND',
      message: 'There is no such dead letter.',
      path: 'id',
      hint: 'List them with GET /dead-letters/{tenantId}.',
    },
    404,
  );

const HOLDS_NOTHING = {
  code: 'NOTHING_TO_CANCEL',
  message: 'It holds no exception.',
  path: 'cancel',
  hint: 'Discard it without `cancel`.',
};

/** Nothing else takes a case out of its hold, its group or its window, and no report begins another one for it. */
const isItsEndOfWaiting = ({ state }: CaseRow, { eventType }: BlockingLetter): boolean =>
  eventType === 'AccumulationElapsed' && state.status === 'WAITING';

const STRANDS = {
  code: 'DISCARD_STRANDS',
  message: 'Its exception waits for this event: without it, it would wait for ever.',
  path: 'cancel',
  hint: 'Replay it once its cause is gone, or discard it with `cancel`: then the exception ends with it.',
};

interface Settlement {
  readonly action: 'replayed' | 'discarded';
  readonly by: string;
  readonly cancel?: string; // why the case is ended with it
  readonly isAnew?: boolean; // what it was edited to is accepted as a new report
}

/** Lets the case go on: what it must not see again is marked, everything unseen is sent again from the journal. */
async function resume(
  tx: Tx,
  row: CaseRow,
  letter: BlockingLetter,
  { action, by, cancel, isAnew = false }: Settlement,
): Promise<Unpublished | null> {
  const { stage, seq, deadLetterId, attempts } = letter;
  const draft = new CaseDraft(row);
  const now = await tx.now();
  const event = eventOf(letter, now);
  const origin = (name: string): Origin => ({
    eventId: deterministicId(deadLetterId, name, attempts),
    emitter: 'api',
    causeId: event?.id ?? null,
    traceparent: event?.traceparent ?? null,
    time: new Date(now).toISOString(),
  });
  const isUnseen = draft.seenBy(stage) < seq;
  const edited = action === 'replayed' ? editedEmission(letter) : null;
  if (isUnseen && draft.isBlocked) draft.block(false);
  draft.append({ type: 'CaseUnblocked', data: { deadLetterId, action, by } }, origin('unblocked'));
  if (isUnseen && (edited || action === 'discarded')) draft.markSeen(stage, seq);
  if (isUnseen && edited && !isAnew) draft.append(edited, origin('edited'));
  if (cancel !== undefined && !isClosed(row.state.status))
    draft.append({ type: 'CaseCommanded', data: { command: 'cancel', by, reason: cancel } }, origin('canceled'));
  const { tenantId, caseId } = letter;
  const resend = STAGES.filter((name) => (row.sent[name] ?? 0) > draft.seenBy(name)).map((name) => ({
    ...{ tenantId, caseId, stage: name },
    above: draft.seenBy(name),
  }));
  return writeDrafts(tx, [draft], { resend });
}
