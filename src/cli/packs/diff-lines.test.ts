import { expect, it } from 'vitest';
import { diffPacks } from '../../packs/index.js';
import { diffLines } from './diff-lines.js';

const io = {
  ...{ out: () => undefined, err: () => undefined, progress: () => undefined, colors: false },
  ...{ input: async function* () {}, signal: new AbortController().signal, fail: () => undefined },
  config: () => {
    throw new Error('nothing is asked of the settings');
  },
};
const headersOf = (before: Record<string, string>, after: Record<string, string>, to = 'packs/acme/') => {
  const diff = diffPacks(new Map(Object.entries(before)), new Map(Object.entries(after)));
  return diffLines(io, 'version 1', to, diff, true).filter((line) => /^(?:---|\+\+\+|@@)/.test(line));
};

it('a file that came or went is nowhere on one side, as patch -p1 wants it', () => {
  expect(headersOf({}, { 'tests/new.yaml': 'a: 1\n' })).toEqual([
    '--- /dev/null',
    '+++ acme/tests/new.yaml',
    '@@ -0,0 +1,1 @@',
  ]);
  expect(headersOf({ 'old.md': 'x\n' }, {})).toEqual(['--- version-1/old.md', '+++ /dev/null', '@@ -1,1 +0,0 @@']);
});

it('a changed file has one part before its name, without spaces, and a tab after a name that has some', () => {
  expect(headersOf({ 'a b.md': 'x\n' }, { 'a b.md': 'y\n' }, '.').slice(0, 2)).toEqual([
    '--- version-1/a b.md\t',
    '+++ ./a b.md\t',
  ]);
  expect(headersOf({ 'a.md': 'x\n' }, { 'a.md': 'y\n' }, '/')[1]).toBe('+++ pack/a.md');
});
