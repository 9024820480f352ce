/** What people can end by a command, on a pipeline that runs. */
import { afterEach, expect, it, vi } from 'vitest';
import type { Command } from '../core/events.js';
import { intake } from '../stages/intake/stage.js';
import type { Pipeline } from './pipeline.js';
import { until } from './until.js';

const STATUS = { resolve: 'RESOLVED', cancel: 'CANCELED', escalate: 'ESCALATED' } as const;

/** Adds the tests to a suite whose pipeline is running. */
export function commandTests(pipeline: () => Pipeline): void {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const report = async (type: string, entity: string) =>
    (await pipeline().report({ type, entity })).items[0]?.id as string;
  const end = (caseId: string, command: Command) =>
    pipeline().commands.end({ tenantId: pipeline().tenantId, caseId, command, by: 'ann', reason: 'a drill' });
  const letterOf = (caseId: string): Promise<string> =>
    until(async () => {
      const { tenantId, memory } = pipeline();
      const { items } = await memory.queries.listDeadLetters(tenantId, { caseId, limit: 1 });
      return items[0]?.deadLetterId;
    }, `a dead letter of ${caseId}`);
  const breakIntake = () =>
    vi.spyOn(intake, 'decide').mockImplementation(() => {
      throw new Error('no intake today');
    });

  it.each(['resolve', 'cancel', 'escalate'] as const)(
    'a person says %s, and the approval is let go',
    async (command) => {
      const { tenantId, memory } = pipeline();
      const id = await report('BIG', `C-${command}`);
      await pipeline().settled(id, 'WAITING');
      expect(await end(id, command)).toEqual({ status: 'WAITING' });
      await pipeline().settled(id, STATUS[command]);
      await pipeline().settledFeedback(id);
      expect(await memory.queries.openWaits(tenantId, id)).toEqual([]);
      const told = (await memory.queries.timeline(tenantId, id)).find(({ type }) => type === 'CaseCommanded');
      expect(told).toMatchObject({ emitter: 'api', data: { command, by: 'ann', reason: 'a drill' } });
      if (command === 'escalate') await expect(end(id, command)).rejects.toThrow('CASE_ESCALATED');
      else await expect(end(id, command)).rejects.toThrow('CASE_CLOSED');
    },
  );

  it('a case that no worker has seen yet is canceled, and what then comes of its report changes nothing', async () => {
    await pipeline().stopWorkers();
    const id = await report('SETTLEMENT_FAIL', 'C-open');
    expect(await end(id, 'cancel')).toEqual({ status: 'OPEN' });
    await pipeline().startWorkers();
    await pipeline().settled(id, 'CANCELED');
    await pipeline().settledFeedback(id);
    expect(await pipeline().types(id)).not.toContain('ToolRequested');
    expect(await report('SETTLEMENT_FAIL', 'C-open')).not.toBe(id);
  });

  it('a case that nothing moves any more since its event was discarded is ended', async () => {
    const { deadLetters, tenantId } = pipeline();
    const broken = breakIntake();
    const id = await report('SETTLEMENT_FAIL', 'C-left');
    const deadLetterId = await letterOf(id);
    await expect(end(id, 'cancel')).rejects.toThrow('CASE_BLOCKED');
    await deadLetters.discard({ tenantId, deadLetterId }, { by: 'bob', reason: 'noise' });
    broken.mockRestore();
    expect(await end(id, 'cancel')).toEqual({ status: 'OPEN' });
    await pipeline().settled(id, 'CANCELED');
  });

  it('a dead letter is discarded and its case canceled in one', async () => {
    const { deadLetters, tenantId } = pipeline();
    breakIntake();
    const id = await report('SETTLEMENT_FAIL', 'C-both');
    const key = { tenantId, deadLetterId: await letterOf(id) };
    await deadLetters.discard(key, { by: 'bob', reason: 'noise', cancel: true });
    await pipeline().settled(id, 'CANCELED');
    const types = await pipeline().types(id);
    expect(types.slice(0, 3)).toEqual(['ExceptionIngested', 'CaseUnblocked', 'CaseCommanded']);
  });

  it('a case that does not exist is not ended', async () => {
    await expect(end('00000000-0000-4000-8000-000000000000', 'cancel')).rejects.toThrow('CASE_NOT_FOUND');
  });
}
