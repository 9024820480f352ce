import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Priority } from '../../core/records.js';
import { classifyStoreError } from '../../store/errors.js';
import type { CaseKey, ClaimedExecution, DeadLetterDraft, ExecutionEnd, Store } from '../../store/port.js';
import { SYSTEM_TENANT } from '../../store/port.js';
import { aCase, type Current, executionOf, NOTHING, put, timerOf, waitOf } from './harness.js';

const LONG = 60_000;
const OVER = -1_000; // a lease that has run out already

const ended = (one: { tenantId: string; caseId: string; executionId: string; attempt: number }): ExecutionEnd => {
  const { tenantId, caseId, executionId, attempt } = one;
  return {
    tenantId,
    caseId,
    executionId,
    attempt,
    tries: 1,
    status: 'succeeded',
    result: { ok: '"1"' },
    error: null,
    latencyMs: 3.5,
  };
};

const letterOf = (tenantId: string): DeadLetterDraft => ({
  deadLetterId: randomUUID(),
  tenantId,
  caseId: null,
  seq: null,
  stage: 'triage',
  topic: 'exceptions.triage',
  partition: 2,
  offset: 2 ** 41,
  code: 'EVENT_NOT_JSON',
  message: 'Unexpected "token"',
  path: null,
  eventType: null,
  key: 'k',
  value: Buffer.from([0, 255]).toString('base64'),
  headers: { ce_id: 'x' },
});

export function describeWork(current: Current): void {
  const claim = (store: Store, tenantId: string, owner: string, leaseMs = LONG) =>
    store.transaction([tenantId], (tx) => tx.claimExecutions(owner, 10, leaseMs));

  it('a call is claimed once, as it was asked for, and its end counts once', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const execution = executionOf(key);
    await put(store, key, { executions: [{ ...execution, leaseOwner: null }] });
    const [mine] = await claim(store, key.tenantId, 'a');
    expect(mine).toEqual({ ...execution, attempt: 1, tries: 0, expired: false });
    expect(await claim(store, key.tenantId, 'b')).toEqual([]);
    const end = ended({ ...execution, attempt: 1 });
    expect(await store.transaction([key.tenantId], (tx) => tx.endExecutions([end]))).toEqual(
      new Set([execution.executionId]),
    );
    expect(await store.transaction([key.tenantId], (tx) => tx.endExecutions([end]))).toEqual(new Set());
    expect(await claim(store, key.tenantId, 'b')).toEqual([]);
  });

  it.each([
    ['U+0000', 'a\u0000'],
    ['half a surrogate pair', '\ud800'],
  ])('%s is refused in what a call is given and in what it comes to, and nothing is kept', async (_, text) => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const execution = { ...executionOf(key), leaseOwner: null };
    const given = put(store, key, { executions: [{ ...execution, input: { text } }] });
    expect(await given.then(() => 'no error', classifyStoreError)).toBe('data');
    await put(store, key, { executions: [execution] });
    const [mine] = await claim(store, key.tenantId, 'a');
    expect(mine).toMatchObject({ executionId: execution.executionId, attempt: 1 });
    const end = { ...ended({ ...execution, attempt: 1 }), result: { text } };
    const come = store.transaction([key.tenantId], (tx) => tx.endExecutions([end as ExecutionEnd]));
    expect(await come.then(() => 'no error', classifyStoreError)).toBe('data');
    const last = await store.transaction([key.tenantId], (tx) =>
      tx.endExecutions([ended({ ...execution, attempt: 1 })]),
    );
    expect(last).toEqual(new Set([execution.executionId]));
  });

  it('a lease that ran out is claimed by another; the first owner can neither extend nor end it', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const execution = executionOf(key);
    await put(store, key, { executions: [{ ...execution, leaseOwner: null }] });
    await claim(store, key.tenantId, 'a', OVER);
    const [second] = await claim(store, key.tenantId, 'b');
    expect(second).toMatchObject({ executionId: execution.executionId, attempt: 2, tries: 0, expired: true });
    await store.transaction([key.tenantId], async (tx) => {
      const first = { ...execution, attempt: 1 };
      expect(await tx.extendLeases('a', [first], LONG)).toEqual(new Set());
      expect(await tx.endExecutions([ended(first)])).toEqual(new Set());
      expect(await tx.extendLeases('b', [{ ...execution, attempt: 2 }], LONG)).toEqual(
        new Set([execution.executionId]),
      );
      expect(await tx.endExecutions([ended({ ...execution, attempt: 2 })])).toEqual(new Set([execution.executionId]));
    });
  });

  it('the lease of a call that may happen only once is a multiple of the others’', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const [often, once] = [executionOf(key), { ...executionOf(key), effect: 'at_most_once' as const }];
    await put(store, key, { executions: [often, once].map((one) => ({ ...one, leaseOwner: null })) });
    await claim(store, key.tenantId, 'a', OVER); // a multiple of a time that is over is over for longer
    const [first] = await store.transaction([key.tenantId], (tx) => tx.claimExecutions('b', 1, OVER));
    expect(first).toMatchObject({ executionId: once.executionId, expired: true });
    const extended = { ...once, attempt: 2 };
    await store.transaction([key.tenantId], (tx) => tx.extendLeases('b', [extended], 20_000));
    expect(await claim(store, key.tenantId, 'c')).toMatchObject([{ executionId: often.executionId }]);
  });

  it('a call that is to be tried again is claimed when its time has come, with the tries it had', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const [soon, late] = [executionOf(key), executionOf(key)];
    await put(store, key, { executions: [soon, late].map((one) => ({ ...one, leaseOwner: null })) });
    await claim(store, key.tenantId, 'a');
    const again = (executionId: string, inMs: number): ExecutionEnd => ({
      ...key,
      executionId,
      attempt: 1,
      tries: 2,
      status: 'pending',
      inMs,
    });
    await store.transaction([key.tenantId], (tx) =>
      tx.endExecutions([again(soon.executionId, 0), again(late.executionId, LONG)]),
    );
    expect(await claim(store, key.tenantId, 'b')).toEqual([{ ...soon, attempt: 2, tries: 2, expired: false }]);
  });

  describe('calls of urgent cases', () => {
    const MINUTE = 60_000;
    const names = new Map<string, string>();
    const asked = (key: CaseKey, name: string, priority: Priority) => {
      const call = { ...executionOf(key), priority };
      names.set(call.executionId, name);
      return { ...call, leaseOwner: null };
    };
    const next = async (store: Store, tenantId: string) => {
      const [call] = await store.transaction([tenantId], (tx) => tx.claimExecutions('a', 1, LONG));
      return names.get(call?.executionId ?? '');
    };

    it('are claimed before others that came earlier, and among equals the first', async () => {
      const { store, tenant } = current();
      const key = await aCase(store, await tenant());
      const wanted = [asked(key, 'low', 5), asked(key, 'usual', 3), asked(key, 'urgent', 1)];
      for (const execution of [...wanted, asked(key, 'urgent, later', 1)])
        await put(store, key, { executions: [execution] });
      for (const name of ['urgent', 'urgent, later', 'usual', 'low', undefined])
        expect(await next(store, key.tenantId)).toBe(name);
    });

    it.each([
      [15, ['urgent', 'low']],
      [25, ['low', 'urgent']],
    ])('go first, but not for ever: one that has waited %i minutes', async (minutes, order) => {
      const { store, tenant } = current();
      const key = await aCase(store, await tenant());
      await put(store, key, { executions: [asked(key, 'low', 5)] });
      const [low] = await claim(store, key.tenantId, 'a');
      const { executionId } = low as ClaimedExecution;
      const again = { ...key, executionId, attempt: 1, tries: 1, status: 'pending', inMs: -minutes * MINUTE } as const;
      await store.transaction([key.tenantId], (tx) => tx.endExecutions([again]));
      await put(store, key, { executions: [asked(key, 'urgent', 1)] });
      expect([await next(store, key.tenantId), await next(store, key.tenantId)]).toEqual(order);
    });

    it('stay urgent when they are tried again, and wait until they may be', async () => {
      const { store, tenant } = current();
      const key = await aCase(store, await tenant());
      await put(store, key, { executions: [asked(key, 'urgent', 1), asked(key, 'urgent, not yet', 1)] });
      const claimed = await claim(store, key.tenantId, 'a');
      const ends = claimed.map(({ executionId }): ExecutionEnd => {
        const inMs = names.get(executionId) === 'urgent' ? 0 : LONG;
        return { ...key, executionId, attempt: 1, tries: 1, status: 'pending', inMs };
      });
      await store.transaction([key.tenantId], (tx) => tx.endExecutions(ends));
      await put(store, key, { executions: [asked(key, 'usual', 3)] });
      for (const name of ['urgent', 'usual', undefined]) expect(await next(store, key.tenantId)).toBe(name);
    });
  });

  it('a call written with its owner is his, and a canceled one is nobody’s', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const [mine, gone, running] = [executionOf(key), executionOf(key), executionOf(key)];
    const executions = [mine, gone, running].map((one) => ({ ...one, leaseOwner: one === gone ? null : 'me' }));
    await put(store, key, { executions });
    await put(store, key, { cancelExecutions: [gone, running] });
    expect(await claim(store, key.tenantId, 'b')).toEqual([]);
    const kept = await store.transaction([key.tenantId], (tx) =>
      tx.extendLeases(
        'me',
        [mine, running].map((one) => ({ ...one, attempt: 1 })),
        LONG,
      ),
    );
    expect(kept).toEqual(new Set([mine.executionId]));
  });

  it('a timer is due at its time, and is taken once', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const [old, older] = [timerOf(key, 2_000), timerOf(key, 1_000)];
    const later = timerOf(key, Date.now() + 3_600_000);
    const canceled = timerOf(key, 3_000);
    await put(store, key, { timers: [old, later, older, canceled] });
    await put(store, key, { cancelTimers: [canceled] });
    const due = await store.transaction([key.tenantId], (tx) => tx.dueTimers(10));
    expect(due).toEqual([older, old]);
    const take = () => store.transaction([key.tenantId], (tx) => tx.takeTimers(due));
    expect(await take()).toEqual(new Set([old.timerId, older.timerId]));
    expect(await take()).toEqual(new Set());
    expect(await store.transaction('all', (tx) => tx.claimTimerTurn())).toBe(true);
  });

  it('a wait keeps what people decided, until its run closes it', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const wait = waitOf(key);
    await put(store, key, { waits: [wait] });
    const lock = () => store.transaction([key.tenantId], (tx) => tx.lockWait(key.tenantId, wait.waitId));
    expect(await lock()).toMatchObject({ ...wait, status: 'open', decisions: [], closedAt: null });
    const decisions = [{ by: 'ann', decision: 'approved' as const, comment: 'it’s "fine"', at: 5 }];
    await store.transaction([key.tenantId], (tx) => tx.saveDecision({ ...wait, decisions, status: 'decided' }));
    expect(await lock()).toMatchObject({ status: 'decided', decisions });
    await put(store, key, { closeWaits: [{ ...key, waitId: wait.waitId, status: 'approved' }] });
    await put(store, key, { closeWaits: [{ ...key, waitId: wait.waitId, status: 'expired' }] });
    expect(await lock()).toMatchObject({ status: 'approved', closedAt: expect.any(Number) });
    expect(await store.transaction([key.tenantId], (tx) => tx.lockWait(key.tenantId, randomUUID()))).toBeNull();
  });

  it('a dead letter is published once, settled by a person, and open again when it fails again', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const letters = [letterOf(key.tenantId), letterOf(SYSTEM_TENANT)];
    const [mine] = letters as [DeadLetterDraft];
    const scope = [key.tenantId, SYSTEM_TENANT];
    const write = () => store.transaction(scope, (tx) => tx.write({ ...NOTHING, deadLetters: letters }));
    const unpublished = async () => {
      const found = await store.transaction(scope, (tx) => tx.unpublishedDeadLetters(1_000));
      return found.filter((one) => letters.some((letter) => letter.deadLetterId === one.deadLetterId));
    };
    await write();
    expect(await unpublished()).toHaveLength(2);
    await store.transaction(scope, (tx) => tx.markDeadLettersPublished(letters));
    expect(await unpublished()).toEqual([]);
    const settle = (parks: boolean) =>
      store.transaction(scope, (tx) =>
        tx.settleDeadLetter({ ...mine, status: 'replayed', by: 'ann', reason: null, parks }),
      );
    await settle(false);
    const lock = () => store.transaction(scope, (tx) => tx.lockDeadLetter(key.tenantId, mine.deadLetterId));
    expect(await lock()).toMatchObject({ ...mine, status: 'replayed', attempts: 1 });
    await write();
    expect(await lock()).toMatchObject({ ...mine, status: 'open', attempts: 2 });
    expect(await unpublished()).toHaveLength(2);
    await settle(true);
    await write();
    await write();
    expect(await lock()).toMatchObject({ ...mine, status: 'parked', attempts: 4, edited: null });
    const input = { key: 'other', value: Buffer.from('{}').toString('base64'), headers: { ce_id: 'y' } };
    await store.transaction(scope, (tx) => tx.editDeadLetter(key.tenantId, mine.deadLetterId, input, 'bob'));
    expect(await lock()).toMatchObject({ ...mine, status: 'open', edited: input });
    expect(await store.transaction(scope, (tx) => tx.lockDeadLetter(key.tenantId, randomUUID()))).toBeNull();
  });
}
