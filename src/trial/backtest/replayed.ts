/** A case of the replay. */
import { isClosed } from '../../core/case.js';
import type { NormalizedException } from '../../core/records.js';
import type { TrialCase } from '../case.js';
import type { PastCase } from './past.js';
import { VerdictMaker } from './verdict.js';

/** With the exceptions of the past whose reports it took. */
export interface Replayed {
  readonly of: TrialCase;
  owner: PastCase; // whose report began it
  maker: VerdictMaker;
  readonly holders: Set<string>; // exceptions of the past that are not over
  readonly used: Set<number>; // answers of the past, by seq
  readonly asked: (() => void)[]; // of a parent, before the one of the past is known
  taken: boolean; // it was counted; it may still be open
}

const COUNTED = new VerdictMaker(); // of all cases that were counted: nothing is added to it
const ANY: NormalizedException = {
  ...{ type: '-', title: '', severity: 'info', entity: null, source: '-', occurredAt: '', fingerprint: '', fields: {} },
};

/** An escalated case may stay open to the end of the replay: what is kept of it is what takes further reports. */
export function slim(replayed: Replayed): void {
  const { of, owner, used } = replayed;
  replayed.taken = true;
  replayed.maker = COUNTED;
  used.clear();
  if (of.state.status !== 'ESCALATED' && !isClosed(of.state.status)) return;
  const exception = of.state.exception === null ? null : ANY;
  of.state = { ...of.state, exception, triage: null, policy: null, run: null, feedback: null };
  of.lead = null;
  of.twin = null;
  replayed.owner = { id: owner.id, events: [] };
}
