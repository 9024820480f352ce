/** The words about incidents that store and runtime share. */
import type { Incident, Joining, MemberState } from './incident.js';
import type { IncidentPart } from './records.js';

export interface MemberKey {
  readonly tenantId: string;
  readonly caseId: string;
}
export interface IncidentKey {
  readonly tenantId: string;
  readonly incidentId: string;
}

/** A case that is a member, or asks to be one. */
export interface IncidentMember extends MemberKey {
  readonly incidentId: string | null; // null: nobody has seen it yet
  readonly state: 'new' | MemberState;
  readonly joining: Joining | null; // what it asks, while it is new
}

/** What a chunk has to say: cases that ask to be members, and members and parents that were closed. */
export interface IncidentNotes {
  readonly joins: readonly (MemberKey & { readonly joining: Joining })[];
  readonly closed: readonly (MemberKey & Pick<IncidentPart, 'role'>)[];
}

/** What somebody has to act on. */
export interface IncidentWork {
  readonly members: readonly IncidentMember[];
  readonly incidents: readonly Incident[]; // that were noted, or whose time to gather is over
}

/** `look`: there is more to act on. */
export type SavedIncident = Incident & { readonly look: boolean };
export type SavedMember = MemberKey & { readonly incidentId: string; readonly state: MemberState };

/** What a transaction does with incidents. Cases are locked before what hangs on them is saved. */
export interface IncidentTx {
  /** False when another process has them in hand. */
  claimTurn(): Promise<boolean>;
  /** At most `limit` of each, the oldest first. */
  work(limit: number): Promise<IncidentWork>;
  /** Those that take members of these keys, and those with these ids. */
  find(
    keys: readonly { readonly tenantId: string; readonly key: string }[],
    ids: readonly IncidentKey[],
  ): Promise<readonly Incident[]>;
  /** Members of these that are gathering or waiting, the oldest first. */
  bound(ids: readonly IncidentKey[], limit: number): Promise<readonly IncidentMember[]>;
  /** Nothing more is to be acted on for these members. Incidents before their members. */
  save(incidents: readonly SavedIncident[], members: readonly SavedMember[]): Promise<void>;
}
