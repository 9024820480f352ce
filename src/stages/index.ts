/** The six stages by name: what a worker of each type runs. */
import type { StageName } from '../core/stages.js';
import type { Stage } from './contract.js';
import { feedback } from './feedback/stage.js';
import { intake } from './intake/stage.js';
import { playbook } from './playbook/stage.js';
import { policy } from './policy/stage.js';
import { tool } from './tool/stage.js';
import { triage } from './triage/stage.js';

/** The shell hands a stage only events that it consumes, with the facts that it gathered itself. */
export const STAGE_TABLE: Readonly<Record<StageName, Stage>> = { intake, triage, policy, playbook, tool, feedback };
