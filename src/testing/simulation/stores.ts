/** The store as one process sees it: each statement is a choice point and may fail, commits may stay unknown. */
import type { Store, Tx, WriteBatch } from '../../store/port.js';
import { createMemoryStore, refusal } from '../memory-store/index.js';
import type { Process } from './scheduler.js';
import type { World } from './world.js';

/** Text that the store refuses when intake writes it, as Postgres refuses what a column cannot keep. */
export const REFUSED = 'cannot be kept';

const REFUSALS = ['40001', '40P01', '55P03', 'CONNECTION_CLOSED', '57P01', '53300'] as const;

const FAULT_AT = { statement: 'store-refused', commit: 'commit-not-applied', committed: 'commit-applied' } as const;
const NAMES: Readonly<Record<string, string>> = {
  commit: 'a commit that is not applied',
  committed: 'a commit that is applied',
};

export function storeOf(world: World, process: Process): Store {
  const { scheduler, faults, random, mutant } = world;
  const fail = (code: string, what: string): never => {
    faults.note(`${process.name}: the store fails ${what} with ${code}`);
    throw refusal(code);
  };
  const store = createMemoryStore(world.database, {
    client: process,
    beforeWrite: (batch) => checkWrite(world, process, batch),
    ...(mutant?.guards && { guards: mutant.guards }),
    lockOnRead: mutant?.lockOnRead ?? true,
    isJson: true,
    pause: (at, what) => {
      if (at === 'begin') return undefined;
      if (at === 'committed') world.checkPositions();
      const fault = at === 'lock' ? undefined : FAULT_AT[at];
      if (fault === undefined || !faults.strikes(fault)) return scheduler.step(process);
      const code = at === 'statement' ? random.pick(REFUSALS) : 'CONNECTION_CLOSED';
      return scheduler.step(process).then(() => fail(code, NAMES[at] ?? what));
    },
  });
  return mutant?.tx ? withOwn(store, (tx) => mutant.tx?.(tx, world, process) ?? {}) : store;
}

/** The store with methods of its transactions replaced. */
const withOwn = (store: Store, own: (tx: Tx) => Partial<Tx>): Store => ({
  ...store,
  transaction: (scope, body) =>
    store.transaction(scope, (tx) => body(Object.create(tx, Object.getOwnPropertyDescriptors(own(tx))) as Tx)),
});

function checkWrite(world: World, process: Process, batch: WriteBatch): void {
  const { positions = [], journal } = batch;
  if (positions.length > 0) world.movesPosition = true;
  if (journal.some(({ emitter, data }) => emitter === 'intake' && data.includes(REFUSED))) {
    world.tell(`${process.name}: the store refuses the data`);
    throw refusal('22P05');
  }
  if (!world.tells) return;
  const events = journal.map(({ caseId, seq, type }) => `${world.nameOf(caseId)} #${seq} ${type}`);
  const at = positions.map(({ topic, partition, next }) => `position ${topic}/${partition} → ${next}`);
  const letters = (batch.deadLetters ?? []).map(({ code }) => `dead letter ${code}`);
  const all = [...events, ...letters, ...at];
  if (all.length > 0) world.tell(`${process.name} writes ${all.join(', ')}`);
}
