/** What every process says of itself, and what it looks for beside its own work. */
import type { StageName } from './stages.js';

/** A sign of life. `startedAt`: epoch ms. */
export interface WorkerBeat {
  readonly workerId: string;
  readonly stage: StageName | 'api';
  readonly group: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly stopped: boolean;
}

/** What waits for the next process that looks. */
export interface DueWork {
  readonly outboxMs: number | null; // the age of the oldest row in the outbox; 0: none; null: not asked
  readonly letters: boolean; // dead letters that their topic has not got
  readonly timers: boolean;
  readonly incidents: boolean;
}
