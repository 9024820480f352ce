/** What differs between two lists: by Myers' algorithm, the shortest way from one to the other. */

export interface Edit {
  readonly op: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Above so many changes the shortest way is not worth its cost: all is removed, all is added. */
const MAX_CHANGES = 1_000;

export function editsBetween(from: readonly string[], to: readonly string[]): readonly Edit[] {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start++;
  let end = 0;
  const most = Math.min(from.length, to.length) - start;
  while (end < most && from[from.length - 1 - end] === to[to.length - 1 - end]) end++;
  const same = (texts: readonly string[]): Edit[] => texts.map((text) => ({ op: 'same', text }));
  return [
    ...same(from.slice(0, start)),
    ...between(from.slice(start, from.length - end), to.slice(start, to.length - end)),
    ...same(from.slice(from.length - end)),
  ];
}

/** `trace[d]` holds for each diagonal how far `d` changes lead. */
function between(from: readonly string[], to: readonly string[]): Edit[] {
  const trace: Map<number, number>[] = [];
  let reach = new Map([[1, 0]]);
  for (let changes = 0; changes <= Math.min(from.length + to.length, MAX_CHANGES); changes++) {
    const next = new Map<number, number>();
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      let x = furthest(reach, diagonal);
      while (x < from.length && x - diagonal < to.length && from[x] === to[x - diagonal]) x++;
      next.set(diagonal, x);
      if (x >= from.length && x - diagonal >= to.length) return walkBack(from, to, [...trace, reach]);
    }
    trace.push(reach);
    reach = next;
  }
  return [...from.map((text): Edit => ({ op: 'removed', text })), ...to.map((text): Edit => ({ op: 'added', text }))];
}

const reachOf = (reach: ReadonlyMap<number, number>, diagonal: number): number => reach.get(diagonal) ?? -1;

/** Down (something added) or right (something removed), whichever leads further. */
const isDown = (reach: ReadonlyMap<number, number>, diagonal: number): boolean =>
  reachOf(reach, diagonal - 1) < reachOf(reach, diagonal + 1);

const furthest = (reach: ReadonlyMap<number, number>, diagonal: number): number =>
  isDown(reach, diagonal) ? reachOf(reach, diagonal + 1) : reachOf(reach, diagonal - 1) + 1;

function walkBack(from: readonly string[], to: readonly string[], trace: readonly ReadonlyMap<number, number>[]) {
  const edits: Edit[] = [];
  let x = from.length;
  let y = to.length;
  for (let changes = trace.length - 1; changes >= 0; changes--) {
    const reach = trace[changes] as ReadonlyMap<number, number>;
    const down = isDown(reach, x - y);
    const before = down ? reachOf(reach, x - y + 1) : reachOf(reach, x - y - 1);
    const beforeY = before - (x - y + (down ? 1 : -1));
    while (x > before && y > Math.max(beforeY, 0)) {
      x--;
      y--;
      edits.push({ op: 'same', text: from[x] as string });
    }
    if (changes === 0) break;
    if (down) edits.push({ op: 'added', text: to[--y] as string });
    else edits.push({ op: 'removed', text: from[--x] as string });
  }
  return edits.reverse();
}

const CONTEXT = 3;
const MARK = { same: ' ', removed: '-', added: '+' } as const;

/** The changes as `diff -u` writes them, without the names of the files; empty: there is none. */
export function unifiedDiff(from: string, to: string): string {
  const edits = editsBetween(linesOf(from), linesOf(to));
  const shown = new Set<number>();
  for (const [at, { op }] of edits.entries()) {
    if (op === 'same') continue;
    for (let near = at - CONTEXT; near <= at + CONTEXT; near++) shown.add(near);
  }
  const hunks: string[] = [];
  let [left, right] = [1, 1];
  let open: { left: number; right: number; lines: string[] } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const { lines, ...first } = open;
    const count = (mark: string) => lines.filter((line) => !line.startsWith(mark)).length;
    hunks.push([`@@ -${range(first.left, count('+'))} +${range(first.right, count('-'))} @@`, ...lines].join('\n'));
    open = undefined;
  };
  for (const [at, { op, text }] of edits.entries()) {
    if (shown.has(at)) {
      open ??= { left, right, lines: [] };
      open.lines.push(MARK[op] + text);
    } else close();
    if (op !== 'added') left++;
    if (op !== 'removed') right++;
  }
  close();
  return hunks.join('\n');
}

/** Where nothing stands, the line before it is named. */
const range = (first: number, count: number): string => `${count === 0 ? first - 1 : first},${count}`;

const NO_END = '\n\\ No newline at end of file';

/** The last line is another one where no line end follows it. */
function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  const lines = text.replace(/\n$/, '').split(/\r?\n/);
  return text.endsWith('\n') ? lines : [...lines.slice(0, -1), `${lines.at(-1)}${NO_END}`];
}
