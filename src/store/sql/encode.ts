/**
 * Batches as JSON text, written by hand: a journal entry's data is JSON text already and goes in as it is. Short keys,
 * because every row repeats them; the statements that read them name them again.
 */
import { isClosed, SECTIONS } from '../../core/case.js';
import type { JournalEntry } from '../../core/envelope.js';
import { stageFor } from '../../core/events.js';
import type { CaseKey, CaseUpdate, EventRef, TouchedCase } from '../port.js';

const quote = JSON.stringify;
const orNull = (text: string | null): string => (text === null ? 'null' : quote(text));

const rows = <T>(list: readonly T[], row: (one: T) => string): string => {
  let text = '[';
  for (let i = 0; i < list.length; i++) text += (i === 0 ? '' : ',') + row(list[i] as T);
  return `${text}]`;
};

/** `[{t,c}]`, each case once. */
export function keysJson(keys: readonly CaseKey[]): string {
  const distinct = new Map<string, CaseKey>();
  for (const key of keys) distinct.set(`${key.tenantId}:${key.caseId}`, key);
  return rows([...distinct.values()], (key) => `{"t":${quote(key.tenantId)},"c":${quote(key.caseId)}}`);
}

/** `[{t,c,a}]`; `a` holds the seqs that arrived, where some did. */
export const touchedJson = (cases: readonly TouchedCase[]): string =>
  rows(cases, ({ tenantId, caseId, arrived }) => {
    const seqs = arrived === undefined ? '' : `,"a":[${arrived.join()}]`;
    return `{"t":${quote(tenantId)},"c":${quote(caseId)}${seqs}}`;
  });

/** `[{t,c,q}]`: rows of the journal or the outbox by their key. */
export const entriesJson = (entries: readonly (CaseKey & { readonly seq: number })[]): string =>
  rows(entries, (one) => `{"t":${quote(one.tenantId)},"c":${quote(one.caseId)},"q":${one.seq}}`);

/** `[{n,t,c,q,i}]`: references with their place in the list. */
export function refsJson(refs: readonly EventRef[]): string {
  let n = 0;
  return rows(
    refs,
    (ref) =>
      `{"n":${n++},"t":${quote(ref.tenantId)},"c":${quote(ref.caseId)},"q":${ref.seq},"i":${quote(ref.eventId)}}`,
  );
}

/** `[{t,c,v,s,q,e,n,h,b,k,l,r,d,x}]`; `x` holds the sections that change. */
export const updatesJson = (updates: readonly CaseUpdate[]): string => rows(updates, updateJson);

function updateJson(one: CaseUpdate): string {
  return (
    `{"t":${quote(one.tenantId)},"c":${quote(one.caseId)},"v":${one.version},"s":${quote(one.status)},"q":${one.seq}` +
    `,"e":${quote(one.seen)},"n":${quote(one.sent)},"h":${quote(one.held)},"b":${one.blocked},"k":${one.count}` +
    `,"l":${one.lastSeenAt},"r":${one.releaseKey},"d":${isClosed(one.status)},"x":${sectionsJson(one.set)}}`
  );
}

function sectionsJson(set: CaseUpdate['set']): string {
  let text = '';
  for (const section of SECTIONS) {
    const value = set[section];
    if (value !== undefined) text += `${text === '' ? '' : ','}"${section}":${quote(value)}`;
  }
  return `{${text}}`;
}

/** `[{t,c,q,i,y,m,s,a,u,p,w,d}]`; `d` is the event's data, embedded raw. */
export const journalJson = (entries: readonly JournalEntry[]): string => rows(entries, entryJson);

function entryJson(one: JournalEntry): string {
  return (
    `{"t":${quote(one.tenantId)},"c":${quote(one.caseId)},"q":${one.seq},"i":${quote(one.eventId)},"y":"${one.type}"` +
    `,"m":"${one.emitter}","s":${orNull(stageFor(one.type))},"a":${one.after},"u":${orNull(one.causeId)}` +
    `,"p":${orNull(one.traceparent)},"w":${quote(one.time)},"d":${one.data}}`
  );
}

/** Any list of plain rows. */
export const listJson = (list: readonly unknown[]): string => quote(list);
