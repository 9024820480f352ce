import { expect, it } from 'vitest';
import { outputOf } from '../testing/child.js';

const LOADED = new URL('./compile-beside.ts', import.meta.url).href;
const NICE_VALUES = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { lookup } from 'node:dns/promises';
  await lookup('localhost'); // so that there are threads that the pipeline waits for, too
  await import(${JSON.stringify(LOADED)});
  const stat = (id) => readFileSync('/proc/self/task/' + id + '/stat', 'utf8').split(') ').at(-1).split(' ');
  const nice = (id) => Number(stat(id)[16]);
  const ids = readdirSync('/proc/self/task').map(Number);
  const others = ids.filter((id) => id !== process.pid).map(nice);
  process.stdout.write(JSON.stringify({ own: nice(process.pid), others }));
`;

it.skipIf(process.platform !== 'linux')(
  'the compiler of a worker gives way to the pipeline, and nothing else does',
  () => {
    const { own, others } = JSON.parse(outputOf(NICE_VALUES)) as {
      readonly own: number;
      readonly others: readonly number[];
    };
    expect(others.filter((nice) => nice === Math.min(19, own + 10))).toHaveLength(5);
    expect(others.filter((nice) => nice === own).length).toBeGreaterThanOrEqual(4);
  },
);
