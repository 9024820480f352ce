/**
 * `npm run simulate -- --seeds 20000` runs seeds and tells the first failure as a short story; `--seed 17` tells one
 * seed; `--mutants` shows which seed each missing guard falls at. Exit code 1: something failed, or survived.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { stay } from './environment.js';
import { type FaultKind, NO_CUT } from './faults.js';
import { CONTROLS, MUTANTS } from './mutants.js';
import { simulate } from './run.js';
import { shrink } from './shrink.js';
import { type Piece, type PieceResult, share } from './team.js';

const PIECE = 100;
const MUTANT_SEEDS = 1_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    stories: { type: 'boolean', default: false },
    processes: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
    child: { type: 'boolean', default: false },
  },
});
const size = Number(values.processes);

if (values.child)
  process.on('message', (piece: Piece) => void runPiece(piece).then((result) => process.send?.(result)));
else if (values.seed !== undefined) process.exitCode = await tellSeed(Number(values.seed));
else process.exitCode = values.mutants ? await runMutants() : await runSeeds(Number(values.from), Number(values.seeds));

/** The seeds of a piece, up to the first that fails. */
async function runPiece(piece: Piece): Promise<PieceResult> {
  stay();
  Error.stackTraceLimit = 0; // of the faults that are meant to happen; a seed that fails is told again with all of it
  const mutant = piece.mutant === undefined ? undefined : (piece.isControl ? CONTROLS : MUTANTS)[piece.mutant];
  const sums = { seeds: 0, steps: 0, events: 0, cases: 0, reconciled: 0 };
  const byKind: Partial<Record<FaultKind, number>> = {};
  for (let seed = piece.from; seed < piece.to; seed++) {
    const { violations, ...result } = await simulate({ seed, cut: NO_CUT, mutant });
    sums.seeds++;
    for (const name of ['steps', 'events', 'cases', 'reconciled'] as const) sums[name] += result[name];
    for (const [kind, count] of result.byKind) byKind[kind] = (byKind[kind] ?? 0) + count;
    if (violations.length > 0) return { piece, ...sums, byKind, failure: { seed, violations } };
  }
  return { piece, ...sums, byKind };
}

function piecesOf(from: number, seeds: number, rest: Partial<Piece> = {}): Piece[] {
  const pieces: Piece[] = [];
  for (let at = from; at < from + seeds; at += PIECE) {
    pieces.push({ ...rest, from: at, to: Math.min(at + PIECE, from + seeds) });
  }
  return pieces;
}

async function runSeeds(from: number, seeds: number): Promise<number> {
  const started = performance.now();
  const sums = { seeds: 0, steps: 0, events: 0, cases: 0, reconciled: 0 };
  const byKind = new Map<string, number>();
  const failures: NonNullable<PieceResult['failure']>[] = [];
  await share(piecesOf(from, seeds), size, (result) => {
    for (const name of ['seeds', 'steps', 'events', 'cases', 'reconciled'] as const) sums[name] += result[name];
    for (const [kind, count] of Object.entries(result.byKind)) byKind.set(kind, (byKind.get(kind) ?? 0) + count);
    if (result.failure) failures.push(result.failure);
    return failures.length === 0;
  });
  const seconds = (performance.now() - started) / 1_000;
  const count = (n: number): string => n.toLocaleString('en');
  console.log(
    `${count(sums.seeds)} seeds in ${seconds.toFixed(1)} s: ${count(sums.cases)} exceptions, ${count(sums.events)} events, ${count(sums.steps)} steps`,
  );
  const kinds = [...byKind].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, n]) => `${kind} ${count(n)}`);
  console.log(
    `faults: ${kinds.join(', ')}; events sent again because the log had lost them: ${count(sums.reconciled)}`,
  );
  const [first] = failures.sort((a, b) => a.seed - b.seed);
  if (first === undefined) {
    console.log('nothing lost, nothing doubled, nothing stuck');
    return 0;
  }
  return tellSeed(first.seed);
}

/** Tells what a seed does; a failing one as short as it gets. */
async function tellSeed(seed: number): Promise<number> {
  const story = await shrink(seed);
  if (story === undefined) {
    await simulate({ seed, cut: NO_CUT, tell: (line) => console.log(line) });
    console.log(`seed ${seed} holds`);
    return 0;
  }
  console.log(`\nseed ${seed} fails; its shortest story:`);
  for (const line of story.lines) console.log(line);
  for (const violation of story.result.violations) console.log(`broken: ${violation}`);
  console.log(`\nAgain: npm run simulate -- --seed ${seed}`);
  return 1;
}

async function runMutants(): Promise<number> {
  const felled = new Map<string, PieceResult>();
  const pieces = [
    ...CONTROLS.flatMap((_, mutant) => piecesOf(1, MUTANT_SEEDS / 2, { mutant, isControl: true })),
    ...MUTANTS.map((_, mutant) => ({ from: 1, to: MUTANT_SEEDS + 1, mutant })),
  ];
  const broken: PieceResult[] = [];
  await share(pieces, size, (result) => {
    if (!result.piece.isControl) felled.set((MUTANTS[result.piece.mutant ?? 0] as { guard: string }).guard, result);
    else if (result.failure) broken.push(result);
    return true;
  });
  const width = Math.max(...MUTANTS.map(({ guard }) => guard.length));
  console.log(`${'without the guard'.padEnd(width)}  falls at seed  what broke`);
  for (const { guard } of MUTANTS) {
    const failure = felled.get(guard)?.failure;
    const seed = failure === undefined ? 'SURVIVES' : String(failure.seed);
    console.log(`${guard.padEnd(width)}  ${seed.padStart(13)}  ${failure?.violations[0]?.split('\n')[0] ?? ''}`);
  }
  for (const { piece, failure } of broken) {
    const { guard } = CONTROLS[piece.mutant ?? 0] as { guard: string };
    console.log(`WITH the guard, ${guard}: seed ${failure?.seed} fails: ${failure?.violations[0]}`);
  }
  if (values.stories) for (const mutant of MUTANTS) await tellMutant(mutant, felled.get(mutant.guard)?.failure?.seed);
  return broken.length > 0 || MUTANTS.some(({ guard }) => felled.get(guard)?.failure === undefined) ? 1 : 0;
}

async function tellMutant(mutant: (typeof MUTANTS)[number], seed: number | undefined): Promise<void> {
  const story = seed === undefined ? undefined : await shrink(seed, mutant);
  if (story === undefined) return;
  console.log(`\nwithout ${mutant.guard}, seed ${seed}:`);
  for (const line of story.lines) console.log(line);
}
