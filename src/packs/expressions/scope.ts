/** Which names an expression may use, where it stands in the pack. Types are those of CEL; `dyn` is anything. */
export interface NameShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, string>>; // known members and their types; without: any member
}
export type ScopeShape = Readonly<Record<string, NameShape>>;

const DYN: NameShape = { type: 'dyn' };
const NOW: NameShape = { type: 'google.protobuf.Timestamp' };

/** In a source's `split`, `map`, `fingerprint` and `resolve`. */
export const SOURCE_SHAPE: ScopeShape = { body: DYN, headers: { type: 'map<string, string>' }, item: DYN, now: NOW };

/** In a schedule's `title`, `entity` and `fields`. */
export const SCHEDULE_SHAPE: ScopeShape = {
  schedule: { type: 'map', members: { name: 'string', dueAt: 'string', missed: 'dyn' } },
  now: NOW,
};

// Numbers are `dyn`: CEL's own types would refuse `seen.count in [1, 2]`, whose literals are ints.
const EXCEPTION: NameShape = {
  type: 'map',
  members: {
    type: 'string',
    title: 'string',
    severity: 'string',
    entity: 'dyn', // null when the source names none
    source: 'string',
    occurredAt: 'string',
    fingerprint: 'string',
    fields: 'map<string, dyn>',
    items: 'list<map<string, dyn>>', // what a group gathered; empty for a single one
  },
};
const SEEN: NameShape = {
  type: 'map',
  members: { count: 'dyn', first: 'string', last: 'string', in1h: 'dyn', in24h: 'dyn' },
};

export const TRIAGE_SHAPE: ScopeShape = { exception: EXCEPTION, seen: SEEN, tenant: { type: 'string' }, now: NOW };

/** In `accumulate`: decided when a report is accepted, before there is a case. */
export const GATHER_SHAPE: ScopeShape = { exception: EXCEPTION, now: NOW };

/** Triage's own words; `extra` are the further words that the pack's rules set. */
export function policyShape(extra: Iterable<string>): ScopeShape {
  const members = Object.fromEntries([...extra].map((word) => [word, 'dyn']));
  const numbers = { confidence: 'dyn', priority: 'dyn' };
  const triage = { category: 'string', severity: 'string', ...numbers, labels: 'list<string>', by: 'string' };
  return { ...TRIAGE_SHAPE, triage: { type: 'map', members: { ...members, ...triage } } };
}

const POLICY: NameShape = { type: 'map', members: { effect: 'string', reason: 'string', winner: 'dyn' } };

export const playbookShape = (extra: Iterable<string>): ScopeShape => ({ ...policyShape(extra), policy: POLICY });

export function stepShape(extra: Iterable<string>, stepIds: Iterable<string>): ScopeShape {
  const members = Object.fromEntries([...stepIds].map((id) => [id, 'map<string, dyn>']));
  return { ...playbookShape(extra), steps: { type: 'map', members }, run: { type: 'map<string, dyn>' } };
}

/** In a tool's `with`: its parameters by their bare names, nothing else. */
export const paramShape = (params: Iterable<string>): ScopeShape =>
  Object.fromEntries([...params].map((name) => [name, DYN]));
