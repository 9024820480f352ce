import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.js';

interface Part {
  readonly name: string;
  readonly records: readonly number[];
  readonly isAlone?: boolean;
}

const part = (name: string, records = 1, isAlone = false): Part => ({
  ...{ name, records: Array.from({ length: records }, (_, i) => i) },
  ...(isAlone && { isAlone }),
});

/** Lanes whose chunks end when the test says so; `chunks` has the names of each that was begun. */
function lanesOf(lanes: number) {
  const chunks: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const handle = (parts: readonly Part[]): Promise<string[]> => {
    chunks.push(parts.map(({ name }) => name).join(' '));
    return new Promise((resolve, reject) =>
      ends.push((error) => (error ? reject(error) : resolve(parts.map(({ name }) => `${name} done`)))),
    );
  };
  return {
    chunks,
    end: (at: number, error?: Error) => ends[at]?.(error),
    lanes: new Lanes<Part, string>(handle, lanes, 10),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('lanes', () => {
  it('what comes in the same turn is one chunk, and each part has its own answer', async () => {
    const { lanes, chunks, end } = lanesOf(2);
    const answers = Promise.all([lanes.add(part('a')), lanes.add(part('b', 3)), lanes.add(part('c', 6))]);
    await turn();
    expect(chunks).toEqual(['a b c']);
    end(0);
    expect(await answers).toEqual(['a done', 'b done', 'c done']);
  });

  it('a chunk has no more records than it may, and a part that is larger has one of its own', async () => {
    const { lanes, chunks } = lanesOf(9);
    for (const one of [part('a', 6), part('b', 5), part('c', 5), part('d', 11), part('e')]) void lanes.add(one);
    await turn();
    expect(chunks).toEqual(['a', 'b c', 'd', 'e']);
  });

  it('while all lanes are taken, what comes waits and shares the next chunk', async () => {
    const { lanes, chunks, end } = lanesOf(1);
    void lanes.add(part('a'));
    await turn();
    void lanes.add(part('b'));
    await turn();
    void lanes.add(part('c'));
    await turn();
    expect(chunks).toEqual(['a']);
    end(0);
    await turn();
    expect(chunks).toEqual(['a', 'b c']);
  });

  it('a part that is to be alone shares its chunk with none', async () => {
    const { lanes, chunks } = lanesOf(9);
    for (const one of [part('a'), part('b', 1, true), part('c'), part('d')]) void lanes.add(one);
    await turn();
    expect(chunks).toEqual(['a', 'b', 'c d']);
  });

  it('what a chunk fails with reaches each of its parts, and the lane is free again', async () => {
    const { lanes, chunks, end } = lanesOf(1);
    const failed = Promise.allSettled([lanes.add(part('a')), lanes.add(part('b'))]);
    await turn();
    end(0, new Error('no'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    void lanes.add(part('c'));
    await turn();
    expect(chunks).toEqual(['a b', 'c']);
  });
});
