/** Trying packs without effects: one input (`walk`), or the past (`Backtest`). Pure; the stages' own decisions decide. */

export { Backtest } from './backtest/backtest.js';
export { evaluateGate, type GateAnswer } from './backtest/gate.js';
export { backtestPage } from './backtest/html.js';
export type { PastCase } from './backtest/past.js';
export type { Written } from './backtest/refit.js';
export type { BacktestReport, CauseCount, Change, Move } from './backtest/report.js';
export { runBacktest } from './backtest/run.js';
export { explainCase } from './explain.js';
export type { ToldEvent } from './explained.js';
export type { Given } from './given.js';
export { toldInFull } from './in-full.js';
export { recordedTest } from './record.js';
export { runTests, type TestResult } from './tests.js';
export { walk } from './walk.js';
export type { Walked, WalkedCase } from './walked.js';
export { whyNot } from './why-not.js';
