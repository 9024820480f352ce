/** The pack language: compile a tenant's pack once, then decide with it. Pure: the caller reads the files. */
export { compilePack } from './compile.js';
export { diffPacks, type PackDiff } from './diff/diff.js';
export { compileCondition } from './expressions/standalone.js';
export { choosePlaybook } from './playbooks/choose.js';
export { evaluateIf, findPlaybook, renderFinish, renderTitle, renderWith } from './playbooks/render.js';
export { expandApprovers } from './policies/approval.js';
export { decidePolicy, judgePolicy } from './policies/decide.js';
export { claimBudgets } from './policies/match.js';
export { suggestion } from './problems.js';
export { playbookScope, policyScope, triageScope } from './scope.js';
export { normalizeItem } from './sources/normalize.js';
export { readRecord, type TopicRecord } from './sources/record.js';
export { identifyItem, splitSource } from './sources/split.js';
export type { PackTest } from './test-types.js';
export { testPlace } from './tests.js';
export { renderCall, renderStepCall } from './tools/render.js';
export { decideTriage } from './triage/decide.js';
export type * from './types.js';
