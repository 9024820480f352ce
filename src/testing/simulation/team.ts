/** Seeds over several processes: each child takes the next piece of work when it has done one. */
import { type ChildProcess, fork } from 'node:child_process';
import { compiled } from './compiled.js';
import type { FaultKind } from './faults.js';

/** A run of seeds for one child. `mutant` is an index into `MUTANTS`, or into `CONTROLS` with `isControl`. */
export interface Piece {
  readonly from: number;
  readonly to: number; // not included
  readonly mutant?: number;
  readonly isControl?: boolean;
}

export interface PieceResult {
  readonly piece: Piece;
  readonly seeds: number;
  readonly steps: number;
  readonly events: number;
  readonly cases: number;
  readonly reconciled: number;
  readonly byKind: Readonly<Partial<Record<FaultKind, number>>>;
  /** The first seed of the piece that fails. */
  readonly failure?: { readonly seed: number; readonly violations: readonly string[] };
}

const YOUNG_SPACE = '--max-semi-space-size=64'; // a run leaves much behind at once, and all of it is garbage
const ONE_CORE = '--single-threaded-gc'; // each child has a core, its helpers would take another's

/** Has `pieces` done by `size` children; `done` may answer false to skip what is left. */
export async function share(
  pieces: readonly Piece[],
  size: number,
  done: (result: PieceResult) => boolean,
): Promise<void> {
  const queue = [...pieces];
  const script = compiled();
  await Promise.all(Array.from({ length: Math.min(size, pieces.length) }, () => member(script, queue, done)));
}

async function member(script: string, queue: Piece[], done: (result: PieceResult) => boolean): Promise<void> {
  const child = fork(script, ['--child'], { execArgv: [YOUNG_SPACE, ONE_CORE] });
  try {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      if (!done(await ask(child, piece))) queue.length = 0;
    }
  } finally {
    if (child.connected) child.disconnect();
  }
}

function ask(child: ChildProcess, piece: Piece): Promise<PieceResult> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a child ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (result) => {
      child.off('exit', ended);
      resolve(result as PieceResult);
    });
    child.send(piece);
  });
}
