import { expect, it } from 'vitest';
import { isTopicPattern, mayRead } from './topics.js';

it('every topic may be read where nothing is said', () => {
  expect(mayRead(null, 'acme', 'payroll')).toBe(true);
});

it.each([
  ['settlement.breaks', 'settlement.breaks', true],
  ['settlement.breaks', 'settlement.breaks.old', false],
  ['settlement.*', 'settlement.breaks', true],
  ['settlement.*', 'settlements', false],
  ['*.alerts', 'desk.alerts', true],
  ['*.alerts', 'desk.alerts.old', false],
  ['desk.*.alerts', 'desk.zurich.alerts', true],
  ['desk.*.alerts', 'desk.alerts', false],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-c-b', false],
  ['a*bc*c', 'a-bc', false],
  ['a*b*b', 'a-b', false],
  ['*', 'anything', true],
  ['{tenant}.*', 'acme.orders', true],
  ['{tenant}.*', 'other.orders', false],
  ['orders.{tenant}', 'orders.acme', true],
])('of %s, %s may be read: %s', (pattern, topic, allowed) => {
  expect(mayRead([pattern], 'acme', topic)).toBe(allowed);
  expect(mayRead(['none', pattern], 'acme', topic)).toBe(allowed);
});

it.each(['settlement.*', '{tenant}.orders', 'a_b-c.*'])('%s is a pattern', (text) => {
  expect(isTopicPattern(text)).toBe(true);
});

it.each(['', 'a b', '{team}.*', '^a$', 'a/b'])('"%s" is none', (text) => {
  expect(isTopicPattern(text)).toBe(false);
});
