/** Trying packs without effects: one input (`walk`), or the past (`Backtest`). Pure; the stages' own decisions decide. */
export type { Given } from './given.js';
export { runTests, type TestDifference, type TestResult } from './tests.js';
export { type WalkInput, walk } from './walk.js';
export type { Walked, WalkedApproval, WalkedCall, WalkedCase, WalkedEnding, WalkedStep } from './walked.js';
