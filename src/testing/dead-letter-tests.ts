/** What people can do with dead letters, on a pipeline that runs: a fault of code stands in for whatever was wrong. */
import { afterEach, expect, it, vi } from 'vitest';
import type { CaseEvent } from '../core/events.js';
import { STAGES, type StageName } from '../core/stages.js';
import { replayStage } from '../runtime/replay.js';
import { intake } from '../stages/intake/stage.js';
import { tool } from '../stages/tool/stage.js';
import { SYSTEM_TENANT } from '../store/port.js';
import type { DeadLetter } from '../store/queries.js';
import type { Pipeline } from './pipeline.js';
import { until } from './until.js';

/** Adds the tests to a suite whose pipeline is running; `calls` are the requests that its tools have made. */
export function deadLetterTests(pipeline: () => Pipeline, calls: () => readonly { readonly url: string }[]): void {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Makes intake fail for reports whose title holds `word`; answers how to repair it. */
  function breakIntake(word: string): () => void {
    const { decide } = intake;
    const spy = vi.spyOn(intake, 'decide').mockImplementation((state, event, ...rest) => {
      if (JSON.stringify(event.data).includes(word)) throw new Error(`cannot read "${word}" of ${state.caseId}`);
      return decide(state, event, ...rest);
    });
    return () => spy.mockRestore();
  }

  const reportOf = (entity: string, title: string) => ({ type: 'SETTLEMENT_FAIL', entity, title });
  const report = async (entity: string, title: string) =>
    (await pipeline().report(reportOf(entity, title))).items[0]?.id as string;
  const findCase = (id: string) => pipeline().memory.queries.getCase(pipeline().tenantId, id);

  /** Waits for the letter that holds the case, after it failed `attempts` times. */
  const heldBy = (caseId: string, attempts = 1): Promise<DeadLetter> =>
    until(async () => {
      const { tenantId, memory } = pipeline();
      const { items } = await memory.queries.listDeadLetters(tenantId, { caseId, limit: 10 });
      return items.find((letter) => letter.status !== 'replayed' && letter.attempts === attempts);
    }, `a dead letter of ${caseId} with ${attempts} attempts`);

  const again = async (id: string): Promise<DeadLetter | null> =>
    pipeline().memory.queries.getDeadLetter(pipeline().tenantId, id);
  const stories = async (id: string) => {
    const timeline = await pipeline().memory.queries.timeline(pipeline().tenantId, id);
    return timeline.map(({ type, causeId }) => [type, timeline.find(({ eventId }) => eventId === causeId)?.seq ?? 0]);
  };

  it('a case waits behind its dead letter, and goes on in order when the fault is repaired and it is replayed', async () => {
    const { deadLetters, memory, tenantId } = pipeline();
    const repair = breakIntake('riddle');
    const id = await report('L-1', 'riddle');
    const { deadLetterId } = await heldBy(id);
    for (const title of ['second', 'third']) expect(await report('L-1', title)).toBe(id);
    await parked(pipeline(), id, 2);
    expect(await findCase(id)).toMatchObject({ blocked: true, status: 'OPEN', seen: {} });
    expect(await pipeline().types(id)).toEqual(['ExceptionIngested', 'ExceptionIngested', 'ExceptionIngested']);

    repair();
    const key = { tenantId, deadLetterId };
    expect(await deadLetters.replay(key, { by: 'ann', force: false })).toEqual({
      ...{ deadLetterId, outcome: 'resumed', caseId: id, events: 3 },
    });
    await pipeline().settled(id, 'RESOLVED');
    expect(await findCase(id)).toMatchObject({ blocked: false, count: 3 });
    const story = await stories(id);
    expect(story[3]).toEqual(['CaseUnblocked', 1]);
    expect(story.filter(([type]) => type === 'ExceptionNormalized' || type === 'ExceptionMerged')).toEqual([
      ['ExceptionNormalized', 1],
      ['ExceptionMerged', 2],
      ['ExceptionMerged', 3],
    ]);
    const letter = await again(deadLetterId);
    expect(letter).toMatchObject({ status: 'replayed', settledBy: 'ann', code: 'DECISION_FAILED', attempts: 1 });
    expect(letter?.history.map(({ what, by }) => [what, by])).toEqual([
      ['failed', null],
      ['replayed', 'ann'],
    ]);
    expect((await memory.queries.timeline(tenantId, id))[3]?.data).toEqual({
      ...{ deadLetterId, action: 'replayed', by: 'ann' },
    });
  });

  it('a case goes on without the event whose dead letter is discarded', async () => {
    const { deadLetters, tenantId } = pipeline();
    breakIntake('poison');
    const id = await report('L-2', 'poison');
    const { deadLetterId } = await heldBy(id);
    await report('L-2', 'sound');
    const key = { tenantId, deadLetterId };
    await deadLetters.discard(key, { by: 'bob', reason: 'a test of the sender' });
    await pipeline().settled(id, 'RESOLVED');
    expect(await findCase(id)).toMatchObject({ blocked: false, count: 1, exception: { title: 'sound' } });
    expect(await again(deadLetterId)).toMatchObject({
      ...{ status: 'discarded', settledBy: 'bob', reason: 'a test of the sender' },
    });
    await expect(deadLetters.discard(key, { by: 'eve', reason: 'late' })).rejects.toThrow('DEAD_LETTER_SETTLED');
  });

  it('the end of a hold is not discarded alone, as nothing else would end it; its exception can end with it', async () => {
    const { deadLetters, tenantId } = pipeline();
    breakIntake('"kind":"hold"');
    const { items } = await pipeline().report({ type: 'BRIEF', entity: 'L-7' });
    const id = items[0]?.id as string;
    const { deadLetterId } = await heldBy(id);
    const key = { tenantId, deadLetterId };
    const by = { by: 'bob', reason: 'a test of the sender' };
    await expect(deadLetters.discard(key, by)).rejects.toThrow('DISCARD_STRANDS');
    expect(await again(deadLetterId)).toMatchObject({ status: 'open' });
    await deadLetters.discard(key, { ...by, cancel: true });
    await pipeline().settled(id, 'CANCELED');
  });

  it('a case of two people who replay at once is replayed by one of them', async () => {
    const { deadLetters, tenantId } = pipeline();
    const repair = breakIntake('puzzle');
    const id = await report('L-3', 'puzzle');
    const { deadLetterId } = await heldBy(id);
    repair();
    const both = await Promise.allSettled(
      ['ann', 'bob'].map((by) => deadLetters.replay({ tenantId, deadLetterId }, { by, force: false })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(String(lost.reason)).toContain('DEAD_LETTER_SETTLED');
    await pipeline().settled(id, 'RESOLVED');
    expect((await pipeline().types(id)).filter((type) => type === 'CaseUnblocked')).toHaveLength(1);
  });

  it('a replay that fails again counts on the same letter, which is parked after three', async () => {
    const { deadLetters, log, tenantId } = pipeline();
    const repair = breakIntake('enigma');
    const id = await report('L-4', 'enigma');
    const { deadLetterId } = await heldBy(id);
    const key = { tenantId, deadLetterId };
    for (const attempts of [2, 3, 4]) {
      await deadLetters.replay(key, { by: 'ann', force: false });
      expect((await heldBy(id, attempts)).deadLetterId).toBe(deadLetterId);
    }
    expect(await again(deadLetterId)).toMatchObject({ status: 'parked', settledBy: null });
    expect(await findCase(id)).toMatchObject({ blocked: true });
    await expect(deadLetters.replay(key, { by: 'ann', force: false })).rejects.toThrow('DEAD_LETTER_PARKED');
    await until(async () => ((await again(deadLetterId))?.publishedAt ? true : undefined), 'the letter on its topic');
    expect((await log.watermarks('dlq.exceptions')).reduce((sum, { high }) => sum + high, 0)).toBeGreaterThan(0);

    repair();
    await deadLetters.replay(key, { by: 'ann', force: true });
    await pipeline().settled(id, 'RESOLVED');
  });

  it('a call that was edited is made as edited, under the same execution, and the old input is kept', async () => {
    const { deadLetters, tenantId } = pipeline();
    const { decide } = tool;
    vi.spyOn(tool, 'decide').mockImplementation((state, event, ...rest) => {
      if (JSON.stringify(event.data).includes('/resubmit/E-1')) throw new Error('no such trade');
      return decide(state, event, ...rest);
    });
    const id = await report('E-1', 'to edit');
    const { deadLetterId, value } = await heldBy(id);
    const key = { tenantId, deadLetterId };
    const old = Buffer.from(value, 'base64').toString();
    const data = JSON.parse(old.replaceAll('E-1', 'E-2')) as CaseEvent<'ToolRequested'>['data'];
    const other = { ...data, executionId: '00000000-0000-8000-8000-000000000000' };
    await expect(deadLetters.edit(key, { data: other }, 'ann')).rejects.toThrow('could be made twice');
    await expect(deadLetters.edit(key, { data: { ...data, timeoutMs: -1 } }, 'ann')).rejects.toThrow('INPUT_INVALID');
    await deadLetters.edit(key, { data }, 'ann');
    await deadLetters.replay(key, { by: 'ann', force: false });
    await pipeline().settled(id, 'RESOLVED');
    const urls = calls().map(({ url }) => url);
    expect(urls.filter((url) => url === '/resubmit/E-2')).toHaveLength(1);
    expect(urls).not.toContain('/resubmit/E-1');
    expect(await again(deadLetterId)).toMatchObject({ value, status: 'replayed', edited: expect.anything() });
    const requested = (await stories(id)).filter(([type]) => type === 'ToolRequested').slice(0, 2);
    expect(requested[1]?.[1]).toBe((await pipeline().types(id)).indexOf('ToolRequested') + 1);
  });

  it('a record that could not be read works after it was edited', async () => {
    const { deadLetters, log, memory } = pipeline();
    const publish = log.publish.bind(log);
    const spy = vi
      .spyOn(log, 'publish')
      .mockImplementation((records) =>
        publish(
          records.map((record) =>
            record.headers.ce_type === 'ExceptionTriaged'
              ? { ...record, headers: { ...record.headers, ce_type: 'Garbled' } }
              : record,
          ),
        ),
      );
    const id = (await pipeline().report({ type: 'NOISE', entity: 'garbled', title: 'garbled' })).items[0]?.id as string;
    await pipeline().settled(id, 'TRIAGED');
    const suffix = `:${id}`;
    const letter = await until(async () => {
      const { items } = await memory.queries.listDeadLetters(SYSTEM_TENANT, { stage: 'policy', limit: 100 });
      return items.find(({ key }) => key?.endsWith(suffix));
    }, 'the letter of the record');
    spy.mockRestore();
    const key = { tenantId: SYSTEM_TENANT, deadLetterId: letter.deadLetterId };
    expect(letter).toMatchObject({ code: 'EVENT_TYPE_UNKNOWN', caseId: null });

    await deadLetters.replay(key, { by: 'ann', force: false });
    const failedAgain = await until(async () => {
      const found = await memory.queries.getDeadLetter(SYSTEM_TENANT, letter.deadLetterId);
      return found?.attempts === 2 ? found : undefined;
    }, 'the same letter to fail again');
    expect(failedAgain.status).toBe('open');

    const data: unknown = JSON.parse(Buffer.from(letter.value, 'base64').toString());
    await expect(deadLetters.edit(key, { data }, 'ann')).rejects.toThrow('EVENT_TYPE_UNKNOWN');
    await deadLetters.edit(key, { data, headers: { ce_type: 'ExceptionTriaged' } }, 'ann');
    expect(await deadLetters.replay(key, { by: 'ann', force: false })).toMatchObject({ outcome: 'sent' });
    await pipeline().settled(id, 'SUPPRESSED');
  });

  it('many are grouped by cause, counted before they are replayed, and replayed by filter', async () => {
    const { deadLetters, memory, tenantId } = pipeline();
    const repair = breakIntake('crowd');
    const ids = await Promise.all([1, 2, 3, 4].map((n) => report(`C-${n}`, `crowd ${n}`)));
    for (const id of ids) await heldBy(id);
    const filter = { code: 'DECISION_FAILED', stage: 'intake', status: ['open'] } as const;
    const [cause, ...others] = await memory.queries.deadLetterCauses(tenantId, filter);
    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      ...{ count: 4, cases: 4, eventType: 'ExceptionIngested', code: 'DECISION_FAILED' },
      pattern: 'The intake decision failed: cannot read "…" of …',
    });
    const preview = await memory.queries.previewDeadLetters(tenantId, filter);
    expect(preview).toMatchObject({ letters: 4, causes: 1, cases: 4, calls: 0 });

    repair();
    const seen: number[] = [];
    const request = { tenantId, filter: { ...filter, failedBefore: preview.at }, by: 'ann', force: false };
    const onProgress = ({ replayed }: { readonly replayed: number }) => seen.push(replayed);
    const first = await deadLetters.replayMany({ ...request, perSecond: 1_000, limit: 3, onProgress });
    expect(first).toEqual({ matched: 3, replayed: 3, skipped: 0, events: 3 });
    expect(seen).toEqual([1, 2, 3]);
    await deadLetters.replayMany({ ...request, perSecond: 1_000, limit: 3 });
    for (const id of ids) await pipeline().settled(id, 'RESOLVED');
  });

  it('a whole topic that is sent again changes nothing', async () => {
    const { memory, publisher, tenantId, told } = pipeline();
    const ids = [
      await report('R-1', 'again'),
      (await pipeline().report({ type: 'NOISE', entity: 'R-2' })).items[0]?.id,
    ];
    await pipeline().settled(ids[0] as string, 'RESOLVED');
    for (const id of ids) await pipeline().settledFeedback(id as string);
    const before = await Promise.all(ids.map((id) => memory.queries.timeline(tenantId, id as string)));
    const made = calls().length;
    const dropped = (stage: StageName) =>
      told
        .filter(({ name, fields }) => name === 'chunk.handled' && (fields as { stage: string }).stage === stage)
        .reduce((sum, { fields }) => sum + (fields as { duplicates: number }).duplicates, 0);
    for (const stage of STAGES) {
      const had = dropped(stage);
      const page = { scope: [tenantId], stage, since: 0, after: null, limit: 10_000 };
      const { events, last } = await replayStage(memory.store, publisher, page);
      expect(events).toBeGreaterThan(0);
      expect(last).toBeNull();
      await until(() => (dropped(stage) >= had + events ? true : undefined), `${events} events of ${stage} dropped`);
    }
    expect(await Promise.all(ids.map((id) => memory.queries.timeline(tenantId, id as string)))).toEqual(before);
    expect(calls()).toHaveLength(made);
  });
}

/** Waits until events of the case were parked behind its letter. */
const parked = ({ told }: Pipeline, caseId: string, count: number): Promise<unknown> =>
  until(() => {
    const found = told.filter(
      ({ name, fields }) => name === 'event.parked' && (fields as { caseId: string }).caseId === caseId,
    );
    return found.length >= count ? true : undefined;
  }, `${count} events of ${caseId} parked`);
