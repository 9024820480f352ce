/** Ids of transactions' batches in the outbox. */
import { randomFillSync, randomInt } from 'node:crypto';
import { v7 } from 'uuid';

const EACH = 16; // bytes of chance that an id takes
const pool = new Uint8Array(EACH * 256); // at a time: asking for it takes longer than the rest of an id
let used = pool.length;
let seq = randomInt(2 ** 31);
let msecs = 0; // of the last id: the clock may be set back

/** By time: of two that one process makes the older is the smaller one, but for once in two billion. */
export function newBatchId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  seq = (seq + 1) % 2 ** 31;
  msecs = Math.max(msecs, Date.now());
  const random = pool.subarray(used, used + EACH);
  used += EACH;
  return v7({ random, seq, msecs });
}
