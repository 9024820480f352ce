import { expect, it } from 'vitest';
import { outputOf } from '../testing/child.js';

const PROGRAM = new URL('./start-small.ts', import.meta.url).href;

/** How many times what is held a heap has at most, while what is allocated outlives the collections of what is young. */
function growthOf(before: string): number {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { getHeapStatistics } from 'node:v8';
    import { startSmall } from ${JSON.stringify(PROGRAM)};
    ${before}
    const used = () => getHeapStatistics().used_heap_size;
    const make = (count) => Array.from({ length: count }, (_, i) => ({ a: i, b: [i], c: 'x' + i }));
    const empty = used();
    const held = make(400_000);
    gc();
    const full = used() - empty;
    const some = [];
    let most = 0;
    for (let i = 0; i < 400; i++) {
      some[i % 20] = make(10_000);
      most = Math.max(most, used() - empty);
    }
    process.stdout.write(String(held.length > 0 && most / full));
  `;
  return Number(outputOf(program, '--expose-gc'));
}

it('the heap of a process that starts stays near what it holds', () => {
  expect(growthOf('startSmall();')).toBeLessThan(4.5);
});

// Two timers of a millisecond go off in their order.
it('once it has started its heap is what V8 makes of it', () => {
  expect(growthOf('startSmall(1); await sleep(1);')).toBeGreaterThan(5.5);
});
