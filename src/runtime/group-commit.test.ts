import { expect, it, vi } from 'vitest';
import { GroupCommit } from './group-commit.js';

it('a pause for company ends as soon as a round is full', async () => {
  vi.useFakeTimers();
  try {
    const rounds: number[][] = [];
    const commit = async (requests: readonly number[]) => {
      rounds.push([...requests]);
      return requests;
    };
    const group = new GroupCommit(commit, 3, () => 60_000);
    const first = group.add(1);
    await Promise.resolve(); // the first round is under way
    const rest = [group.add(2), group.add(3)];
    await first;
    await vi.advanceTimersByTimeAsync(10); // now it pauses
    rest.push(group.add(4));
    expect(await Promise.all(rest)).toEqual([2, 3, 4]);
    expect(rounds).toEqual([[1], [2, 3, 4]]);
  } finally {
    vi.useRealTimers();
  }
});

it('a pause for company ends after its time when a round is not full', async () => {
  vi.useFakeTimers();
  try {
    const group = new GroupCommit(
      async (requests: readonly number[]) => requests,
      3,
      () => 40,
    );
    const first = group.add(1);
    await Promise.resolve();
    const second = group.add(2);
    await first;
    await vi.advanceTimersByTimeAsync(40);
    expect(await second).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

it('a pause for company ends when nobody is on the way any more', async () => {
  vi.useFakeTimers();
  try {
    let onTheWay = 2;
    const group = new GroupCommit(
      async (requests: readonly number[]) => requests,
      9,
      () => (onTheWay === 0 ? 0 : 60_000),
    );
    const first = group.add(1);
    await Promise.resolve();
    const second = group.add(2);
    await first;
    await vi.advanceTimersByTimeAsync(10); // it pauses
    onTheWay = 0;
    expect(await Promise.all([second, group.add(3)])).toEqual([2, 3]);

    onTheWay = 1;
    const fourth = group.add(4);
    await Promise.resolve();
    const fifth = group.add(5);
    await fourth;
    await vi.advanceTimersByTimeAsync(10);
    onTheWay = 0; // and nobody came
    group.reconsider();
    expect(await fifth).toBe(5);
  } finally {
    vi.useRealTimers();
  }
});

it('what is worth a round of its own does not wait for the one under way, and what is not shares the next', async () => {
  const rounds: { readonly requests: readonly number[]; end(): void }[] = [];
  const commit = (requests: readonly number[]) =>
    new Promise<readonly number[]>((resolve) => rounds.push({ requests, end: () => resolve(requests) }));
  const begun = () => rounds.map(({ requests }) => requests);
  const group = new GroupCommit(commit, 9, undefined, { weight: 10, of: (request) => request });
  const all = [group.add(1)];
  await Promise.resolve();
  all.push(group.add(4));
  await Promise.resolve();
  expect(begun()).toEqual([[1]]);
  all.push(group.add(6));
  await Promise.resolve();
  expect(begun()).toEqual([[1], [4, 6]]);
  all.push(group.add(10), group.add(2)); // two are under way
  await Promise.resolve();
  expect(begun()).toHaveLength(2);
  rounds[0]?.end();
  await all[0];
  await vi.waitFor(() => expect(begun()[2]).toEqual([10, 2]));
  all.push(group.add(3));
  rounds[1]?.end();
  await all[1];
  expect(begun()).toHaveLength(3); // one goes on, and takes the rest
  rounds[2]?.end();
  await vi.waitFor(() => expect(begun()[3]).toEqual([3]));
  rounds[3]?.end();
  expect(await Promise.all(all)).toEqual([1, 4, 6, 10, 2, 3]);
  await group.drain();
});
