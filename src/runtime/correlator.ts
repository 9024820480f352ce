/**
 * The correlator, in every process, one of them at a time: cases that ask to be members are put into incidents, parents are
 * made and told to end, members hear of their parent's end. All of it in one transaction, under the locks of the cases.
 */
import type { IncidentKey, IncidentWork } from '../core/incident-work.js';
import type { Store, Tx } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { lockDrafts, writeDrafts } from './append.js';
import { CorrelatorRound } from './correlator-round.js';
import type { Publisher } from './publisher.js';

const MOST = 256;

export class Correlator {
  constructor(
    private readonly store: Store,
    private readonly publisher: Pick<Publisher, 'publish'>,
    private readonly telemetry: Telemetry,
  ) {}

  /** Does what there is to do; true when there may be more at once. */
  async tick(): Promise<boolean> {
    const done = await this.store.transaction('all', (tx) => this.act(tx));
    if (done === null) return false;
    const { batch, counts, more } = done;
    this.telemetry.emit('incidents.correlated', counts);
    void this.publisher.publish(batch);
    return more;
  }

  private async act(tx: Tx) {
    if (!(await tx.incidents.claimTurn())) return null;
    const work = await tx.incidents.work(MOST);
    if (work.members.length + work.incidents.length === 0) return null;
    const bound = work.incidents.length === 0 ? [] : await tx.incidents.bound(work.incidents, MOST);
    const known = await tx.incidents.find(keysOf(work), idsOf(work));
    const parents = [...known, ...work.incidents].map(({ tenantId, incidentId: caseId }) => ({ tenantId, caseId }));
    const drafts = await lockDrafts(tx, [...work.members, ...bound, ...parents]);
    const isAll = bound.length < MOST;
    const round = new CorrelatorRound({ work, bound, isAll, known, drafts, now: await tx.now() });
    const { parents: made, incidents, members, counts } = round.run();
    if (made.length > 0) await tx.createCases(made);
    const batch = await writeDrafts(tx, drafts.values());
    await tx.incidents.save(incidents, members);
    const isMore = work.members.length >= MOST || work.incidents.length >= MOST || incidents.some(({ look }) => look);
    return { batch, counts, more: isMore };
  }
}

const keysOf = ({ members }: IncidentWork) =>
  members.flatMap(({ tenantId, joining }) => (joining === null ? [] : [{ tenantId, key: joining.terms.key }]));

const idsOf = ({ members }: IncidentWork): IncidentKey[] =>
  members.flatMap(({ tenantId, incidentId }) => (incidentId === null ? [] : [{ tenantId, incidentId }]));
