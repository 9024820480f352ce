/** The outside system that tools call: it honours idempotency keys and keeps a record of what it did. */
import type { Block, BlockOutcome } from '../../blocks/port.js';
import type { Faults } from './faults.js';
import type { Process, Scheduler } from './scheduler.js';

export interface Effect {
  readonly effect: string; // as the tool declares it
  applied: number; // how often a call of this key had its effect, were keys not honoured
}

export class Sink {
  /** By idempotency key. */
  readonly effects = new Map<string, Effect>();
  /** Forgets what was done before, as a check after a restored database must. */
  since = 0;
}

/** `http.request` for one process. */
export function blockOf(process: Process, sink: Sink, scheduler: Scheduler, faults: Faults): Block {
  return {
    name: 'http.request',
    async perform({ idempotencyKey, effect = 'read' }) {
      await scheduler.step(process);
      if (faults.strikes('tool-refused')) {
        faults.note(`the tool refuses the call of ${process.name}`);
        return failed('HTTP_503', '5xx');
      }
      const known = sink.effects.get(idempotencyKey);
      if (known) known.applied++;
      else sink.effects.set(idempotencyKey, { effect, applied: 1 });
      await scheduler.step(process);
      if (!faults.strikes('answer-lost')) return { kind: 'succeeded', result: { status: 200 } };
      faults.note(`the tool did what ${process.name} asked for, its answer is lost`);
      const lost = failed('NETWORK', 'network');
      return effect === 'at_most_once'
        ? { ...lost, kind: 'unknown', error: { ...lost.error, retryable: false } }
        : lost;
    },
  };
}

function failed(code: string, cause: '5xx' | 'network'): Extract<BlockOutcome, { kind: 'failed' }> {
  return { kind: 'failed', error: { code, errorNumber: 2002, message: code, retryable: true, class: cause } };
}
