/** Sends everything that the journal has for a stage once more. Workers drop what they have seen: nothing changes. */
import type { StageName } from '../core/stages.js';
import type { CaseKey, Store, TenantScope } from '../store/port.js';
import { lockDrafts, writeDrafts } from './append.js';
import type { Publisher } from './publisher.js';

export interface StageReplay {
  readonly scope: TenantScope;
  readonly stage: StageName;
  readonly since: number; // only exceptions created at or after, epoch ms
  readonly after: CaseKey | null; // the last case of the page before
  readonly limit: number; // cases
}

export interface StageReplayed {
  readonly cases: number;
  readonly events: number;
  readonly last: CaseKey | null; // null: that was all
}

/** Sends one page again, through the outbox, and waits until the log has it or the sweeper has to send it. */
export async function replayStage(
  store: Store,
  publisher: Publisher,
  { scope, stage, since, after, limit }: StageReplay,
): Promise<StageReplayed> {
  const { keys, batch } = await store.transaction(scope, async (tx) => {
    const keys = await tx.sentTo(stage, since, after, limit);
    const drafts = await lockDrafts(tx, keys);
    const resend = keys.map(({ tenantId, caseId }) => ({ tenantId, caseId, stage, above: 0 }));
    return { keys, batch: await writeDrafts(tx, drafts.values(), { resend }) };
  });
  await publisher.publish(batch);
  return { cases: keys.length, events: batch?.entries.length ?? 0, last: keys[limit - 1] ?? null };
}
