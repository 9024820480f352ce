/** Every benchmark by its name on the command line. */
import { churn } from './churn.js';
import { memory } from './memory.js';
import { packs } from './packs.js';
import { pipeline } from './pipeline.js';

export interface BenchOptions {
  readonly seconds: number; // how long one measurement should take
  readonly rounds: number;
  readonly minutes: number; // how long one that looks for growth should take
  readonly past: number; // cases that a backtest goes through
  readonly only: readonly string[]; // contenders; empty: all
  readonly embedded: boolean;
  readonly latency: boolean; // measured too
  readonly profile: string | undefined; // folder for CPU profiles
}

export interface Outcome {
  readonly section: string; // of RESULTS.md
  readonly report: string; // Markdown
  readonly figures: object; // for --json
}

export interface Benchmark {
  readonly about: string;
  run(options: BenchOptions): Promise<Outcome>;
}

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = { churn, memory, packs, pipeline };
