import { expect, it } from 'vitest';
import { Stop } from './stop.js';

it('tells each listener once, with the first reason', () => {
  const stop = new Stop();
  const heard: unknown[] = [];
  stop.addEventListener('abort', () => heard.push(['a', stop.aborted, stop.reason]));
  stop.addEventListener('abort', () => heard.push(['b', stop.aborted, stop.reason]));
  expect(stop.aborted).toBe(false);
  stop.abort('late');
  stop.abort('later');
  expect(heard).toEqual([
    ['a', true, 'late'],
    ['b', true, 'late'],
  ]);
});

it('does not tell who has left, and bears who leaves twice', () => {
  const stop = new Stop();
  const heard: string[] = [];
  const first = () => heard.push('first');
  const second = () => heard.push('second');
  stop.addEventListener('abort', first);
  stop.addEventListener('abort', second);
  stop.removeEventListener('abort', first);
  stop.removeEventListener('abort', first);
  stop.abort();
  expect(heard).toEqual(['second']);
});
