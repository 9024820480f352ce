/**
 * The life of a case: its states and the arrows between them, as one table.
 * A status outside the table cannot be reached: `decide` may only return an arrow that stands here.
 */
import type { PolicyRecord, TriageRecord } from './records.js';
import type { FeedbackRecord, RunState } from './run.js';
import type { KeptException } from './waiting.js';

export const CASE_STATUSES = [
  'OPEN', // accepted, not normalized yet
  'NORMALIZED',
  'TRIAGED',
  'EVALUATED', // by policy
  'RUNNING', // a playbook runs
  'WAITING', // for a human, an event or a time
  'RESOLVED',
  'ESCALATED', // needs a person, no playbook can go on
  'SUPPRESSED', // by policy
  'CANCELED',
] as const;
export type CaseStatus = (typeof CASE_STATUSES)[number];

/** Statuses after which nothing more happens: the next exception with the same fingerprint is a new case. */
export const CLOSED_STATUSES = ['RESOLVED', 'SUPPRESSED', 'CANCELED'] as const satisfies readonly CaseStatus[];

export const isClosed = (status: CaseStatus): boolean => (CLOSED_STATUSES as readonly CaseStatus[]).includes(status);

const TRANSITIONS: Readonly<Record<CaseStatus, readonly CaseStatus[]>> = {
  OPEN: ['NORMALIZED', 'WAITING', 'RESOLVED', 'CANCELED', 'ESCALATED'],
  NORMALIZED: ['TRIAGED', 'RESOLVED', 'CANCELED', 'ESCALATED'],
  TRIAGED: ['EVALUATED', 'WAITING', 'SUPPRESSED', 'RESOLVED', 'CANCELED', 'ESCALATED'],
  EVALUATED: ['RUNNING', 'WAITING', 'RESOLVED', 'ESCALATED', 'CANCELED'],
  RUNNING: ['WAITING', 'RESOLVED', 'ESCALATED', 'CANCELED'],
  WAITING: ['NORMALIZED', 'RUNNING', 'RESOLVED', 'ESCALATED', 'SUPPRESSED', 'CANCELED'],
  ESCALATED: ['NORMALIZED', 'RESOLVED', 'CANCELED'], // worked again, or ended
  RESOLVED: [],
  SUPPRESSED: [],
  CANCELED: [],
};

/** Whether a case may go from one status to the other; staying where it is is always allowed. */
export const canMove = (from: CaseStatus, to: CaseStatus): boolean => from === to || TRANSITIONS[from].includes(to);

/** The parts of a case, each owned (written) by one stage and read by those after it. */
export interface Sections {
  readonly exception: KeptException | null; // intake
  readonly triage: TriageRecord | null; // triage
  readonly policy: PolicyRecord | null; // policy
  readonly run: RunState | null; // playbook
  readonly feedback: FeedbackRecord | null; // feedback
}
export const SECTIONS = [
  'exception',
  'triage',
  'policy',
  'run',
  'feedback',
] as const satisfies readonly (keyof Sections)[];
export type Section = (typeof SECTIONS)[number];

/** What `decide` sees of a case: the locked row. Sections that the stage does not read are null. */
export interface CaseState extends Sections {
  readonly tenantId: string;
  readonly caseId: string;
  readonly kind: 'exception' | 'turn';
  readonly status: CaseStatus;
  readonly paused: boolean;
  readonly count: number; // how many reports were merged into this case
  readonly createdAt: number; // epoch ms
  readonly lastSeenAt: number; // epoch ms of the last merged report
}
