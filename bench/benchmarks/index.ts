/** Every benchmark by its name on the command line. */
import { churn } from './churn.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { memory } from './memory.js';
import { packs } from './packs.js';
import { pipeline } from './pipeline.js';
import { takeover } from './takeover.js';

export interface BenchOptions {
  readonly seconds: number; // how long one measurement should take
  readonly rounds: number;
  readonly minutes: number; // how long one that looks for growth should take
  readonly rate: number; // exceptions a second of an even load
  readonly rows: number; // of a journal that has grown
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
  readonly rounds?: number; // if it is not told how many; else three
  run(options: BenchOptions): Promise<Outcome>;
}

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  churn,
  growth,
  idle,
  memory,
  packs,
  pipeline,
  takeover,
};
