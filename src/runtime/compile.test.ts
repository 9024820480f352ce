import { expect, it } from 'vitest';
import { compilePack } from '../packs/index.js';
import { compileBeside } from './compile.js';

const rules = Array.from({ length: 3_000 }, (_, i) => {
  const when = `exception.type == 'T${i}' && exception.fields.amount > ${i}`;
  return `  - { name: rule ${i}, when: "${when}", set: { category: c${i} } }\n`;
});
const files = new Map([
  ['pack.yaml', 'name: large\n'],
  ['policies.yaml', 'default: { effect: deny }\n'],
  ['triage.yaml', `triage:\n${rules.join('')}`],
]);

it('others get their turn while a large pack is compiled, and it is the same pack', async () => {
  let turns = 0;
  let isDone = false;
  const other = (): void => {
    turns++;
    if (!isDone) setImmediate(other);
  };
  setImmediate(other);
  const { pack, problems } = await compileBeside(files);
  isDone = true;
  expect(turns).toBeGreaterThan(3);
  expect(problems).toEqual([]);
  expect(pack?.hash).toBe(compilePack(files).pack?.hash);
});

it('what is wrong is told as when it is compiled at once', async () => {
  const wrong = new Map([...files, ['triage.yaml', 'triage: [{ name: a, when: exception.typ == 1, set: {} }]']]);
  expect(await compileBeside(wrong)).toEqual(compilePack(wrong));
});
