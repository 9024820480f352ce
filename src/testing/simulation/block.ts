/** `http.request` for one process: a call takes its time, may be refused, or may have its effect and lose its answer. */
import type { Block, BlockCall, BlockOutcome } from '../../blocks/port.js';
import type { Process } from './scheduler.js';
import type { World } from './world.js';

const SLOW = 0.4; // the part of all calls that take their time
const SLOW_MS = 4_000;

export const blockOf = (process: Process, world: World): Block => ({
  name: 'http.request',
  async perform(call) {
    process.busy++;
    const outcome = await perform(process, world, call);
    process.busy--;
    return outcome;
  },
});

async function perform(
  process: Process,
  { sink, scheduler, faults, random }: World,
  { idempotencyKey, effect = 'read' }: BlockCall,
): Promise<BlockOutcome> {
  await scheduler.step(process);
  if (faults.strikes('tool-refused')) {
    faults.note(`the tool refuses the call of ${process.name}`);
    return failed('HTTP_503', '5xx');
  }
  const known = sink.effects.get(idempotencyKey);
  if (known) known.applied++;
  else sink.effects.set(idempotencyKey, { effect, applied: 1 });
  if (random.chance(SLOW)) await scheduler.sleep(process, random.between(50, SLOW_MS));
  else await scheduler.step(process);
  if (!faults.strikes('answer-lost')) return { kind: 'succeeded', result: { status: 200 } };
  faults.note(`the tool did what ${process.name} asked for, its answer is lost`);
  const lost = failed('NETWORK', 'network');
  return effect === 'at_most_once' ? { ...lost, kind: 'unknown', error: { ...lost.error, retryable: false } } : lost;
}

function failed(code: string, cause: '5xx' | 'network'): Extract<BlockOutcome, { kind: 'failed' }> {
  return { kind: 'failed', error: { code, errorNumber: 2002, message: code, retryable: true, class: cause } };
}
