/** Refills a log from the journal: everything that was sent to a stage and not seen by it is sent again, in order. */
import { STAGES } from '../core/stages.js';
import type { CaseKey, Store, WriteBatch } from '../store/port.js';
import type { Publisher } from './publisher.js';

const PAGE = 500;

/**
 * For a log that lost what it held (the embedded one keeps nothing over a restart). Safe at any time: what a stage has
 * seen it drops. Answers how many events were sent.
 */
export async function refillLog(store: Store, publisher: Publisher): Promise<number> {
  let after: CaseKey | null = null;
  let sent = 0;
  for (;;) {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(store, publisher, after);
    sent += page.sent;
    if (page.last === null) return sent;
    after = page.last;
  }
}

async function readPage(store: Store, publisher: Publisher, after: CaseKey | null) {
  const { batch, last } = await store.transaction('all', async (tx) => {
    const cases = await tx.unseen(after, PAGE);
    const locked = await tx.lockCases(cases, []);
    const resend: NonNullable<WriteBatch['resend']> = locked.flatMap(({ state: { tenantId, caseId }, seen, sent }) =>
      STAGES.flatMap((stage) => {
        const above = seen[stage] ?? 0;
        return (sent[stage] ?? 0) > above ? [{ tenantId, caseId, stage, above }] : [];
      }),
    );
    const batch = await tx.write({ cases: [], journal: [], resend });
    return { batch, last: cases[PAGE - 1] ?? null };
  });
  await publisher.publish(batch);
  return { sent: batch?.entries.length ?? 0, last };
}
