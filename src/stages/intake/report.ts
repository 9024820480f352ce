/** What every way through intake needs: reading a report, and letting an exception go on to triage. */

import type { Problem } from '../../core/errors.js';
import type { CaseEvent } from '../../core/events.js';
import { type Advance, advance, type Emission } from '../../core/outcome.js';
import type { NormalizedException, PolicyRecord, RuleTrace } from '../../core/records.js';
import { isoOf } from '../../core/time.js';
import type { Belonging, Gathering, Holding, KeptException } from '../../core/waiting.js';
import { normalizeItem } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';

export type Ingested = CaseEvent<'ExceptionIngested'>;
export type Totals = { readonly count: number; readonly lastSeenAt: number };

/** The exception that a report is, with the history of its fingerprint, and what it is in an incident; or why its source cannot read it. */
export function read({ data }: Ingested, { pack }: PackVersion): NormalizedException | Problem {
  const { source, receivedAt, item, body, headers, fingerprint, resolve, seen, incident } = data;
  const rest = { ...(body !== undefined && { body }), ...(headers !== undefined && { headers }) };
  const exception = normalizeItem(pack, source, { item, fingerprint, resolve, ...rest }, receivedAt);
  if ('code' in exception) return exception;
  return Object.assign(exception, seen && { history: seen }, incident && { incident });
}

export const withoutWait = ({ waiting: _, ...exception }: KeptException): NormalizedException => exception;

interface Along extends Pick<Advance, 'cancelTimers' | 'release'> {
  readonly merged?: Totals;
  readonly explain?: RuleTrace[];
  readonly before?: readonly Emission[];
}

/** The exception goes on to triage. */
export function goOn(kept: KeptException, packVersion: number, { explain, before = [], ...rest }: Along): Advance {
  const exception = withoutWait(kept);
  const data = { exception, ...(explain && { explain }), packVersion };
  const emit: Emission[] = [...before, { type: 'ExceptionNormalized', data }];
  return advance({ status: 'NORMALIZED', set: { exception }, ...rest, emit });
}

/** It was over before its wait was: nobody hears of it, and the record says which rule made it so. */
export function dropped(waiting: Holding | Gathering | Belonging, reason: string): Emission {
  const { rule, place, since, packVersion } = waiting;
  const note = `it waited from ${isoOf(since)}${'until' in waiting ? `, at most until ${isoOf(waiting.until)}` : ''}`;
  const trace: RuleTrace = { name: rule, place, matched: true, effect: 'suppress', note };
  const policy: PolicyRecord = {
    ...{ effect: 'suppress', reason, winner: rule, approval: null },
    ...{ explain: [trace], packVersion },
  };
  return { type: 'CaseSuppressed', data: { policy } };
}

export const mergedEvent = (count: number, lastSeenAt: number, note: string): Emission => ({
  type: 'ExceptionMerged',
  data: { count, lastSeenAt, note },
});
