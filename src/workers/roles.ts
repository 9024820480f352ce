/** What each WORKER_TYPE is. The table is the only place that knows the six by name; nothing else asks for the type. */
import type { StageName } from '../core/stages.js';
import type { Stage } from '../stages/contract.js';
import { STAGE_TABLE } from '../stages/index.js';

export interface Role {
  readonly stage: Stage;
  /** Performs tool calls from the ledger beside its consumer. */
  readonly executes: boolean;
  /** Fetches exceptions beside its consumer: reads topics that packs name as sources. */
  readonly fetches: boolean;
}

export const ROLES: Readonly<Record<StageName, Role>> = {
  intake: { stage: STAGE_TABLE.intake, executes: false, fetches: true },
  triage: { stage: STAGE_TABLE.triage, executes: false, fetches: false },
  policy: { stage: STAGE_TABLE.policy, executes: false, fetches: false },
  playbook: { stage: STAGE_TABLE.playbook, executes: false, fetches: false },
  tool: { stage: STAGE_TABLE.tool, executes: true, fetches: false },
  feedback: { stage: STAGE_TABLE.feedback, executes: false, fetches: false },
};
