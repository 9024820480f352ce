/**
 * Short lists as JSON text, with short keys, because every row repeats them; the statements that read them name them
 * again. The two lists that carry documents, cases and journal entries, are in `columns.ts`.
 */
import type { CaseKey, EventRef } from '../port.js';

const quote = JSON.stringify;

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

/** Any list of plain rows. */
export const listJson = (list: readonly unknown[]): string => quote(list);
