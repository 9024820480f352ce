/** Trying packs without effects: one input (`walk`), or the past (`Backtest`). Pure; the stages' own decisions decide. */

export { Backtest, type BacktestOptions } from './backtest/backtest.js';
export { evaluateGate, type GateAnswer, gateFigures } from './backtest/gate.js';
export { backtestPage } from './backtest/html.js';
export type { AcceptedBy, PastCase, PastEvent, PastPage } from './backtest/past.js';
export type { Written } from './backtest/refit.js';
export type { BacktestReport, CauseCount, Change, Counts, Move, Words } from './backtest/report.js';
export { type PastSource, type RunOptions, runBacktest } from './backtest/run.js';
export { explainCase } from './explain.js';
export type { ExplainedPart, Explanation, ToldEvent, Tried } from './explained.js';
export type { Given } from './given.js';
export { type RecordedTest, recordedTest } from './record.js';
export { runTests, type TestDifference, type TestResult } from './tests.js';
export { type WalkInput, walk } from './walk.js';
export type { Walked, WalkedApproval, WalkedCall, WalkedCase, WalkedEnding, WalkedStep } from './walked.js';
export { type WhyNot, whyNot } from './why-not.js';
