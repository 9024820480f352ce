import type { BenchOptions, Outcome } from './index.js';
export async function embedded(_: BenchOptions): Promise<Outcome> {
  throw new Error('not yet');
}
