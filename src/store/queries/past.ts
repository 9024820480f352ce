/** The past for a backtest: cases in the order in which they began, each with its events, in read-only transactions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { delayBefore, RETRY_PROFILES } from '../../core/backoff.js';
import type { Emitter, EventType } from '../../core/events.js';
import type { RetryProfile } from '../../core/work.js';
import { sql } from '../drizzle.js';
import { StoreError } from '../errors.js';
import { type Driver, type Session, statement } from '../sql/driver.js';
import { scopeOf } from '../sql/scope.js';

/** The cases that began from `since` on and before `until`, epoch ms, and those from shortly before that were open then. */
export interface PastRange {
  readonly tenantId: string;
  readonly since: number;
  readonly until: number;
  readonly pageSize: number;
}

export interface PastRow {
  readonly seq: number;
  readonly at: number; // epoch ms
  readonly emitter: Emitter;
  readonly type: EventType;
  readonly data: unknown; // without its explanations
}

export interface PastStory {
  readonly id: string;
  readonly events: readonly PastRow[];
}

const CARRIED_MS = 7 * 24 * 60 * 60 * 1_000;

const ms = (name: string) => sql`(${sql.placeholder(name)}::float8)`;

// By the index cases_created, backwards; cases of the same microsecond are put in order.
const page = statement<{ caseId: string; createdAt: string; at: number }>(sql`
  select case_id as "caseId", created_at::text as "createdAt", (extract(epoch from created_at) * 1000)::float8 as at
  from cases
  where tenant_id collate "POSIX" = ${sql.placeholder('tenant')}
    and created_at >= to_timestamp(${ms('from')} / 1000) and created_at >= ${sql.placeholder('seenTime')}::timestamptz
    and created_at < to_timestamp(${ms('until')} / 1000)
    and (created_at >= to_timestamp(${ms('since')} / 1000) or closed_at is null
      or closed_at >= to_timestamp(${ms('openAt')} / 1000))
    and (created_at, case_id) > (${sql.placeholder('lastTime')}::timestamptz, ${sql.placeholder('lastId')}::uuid)
  order by created_at, case_id limit ${sql.placeholder('limit')}`);

// What nobody reads of them is left out here: explanations are the largest part of the journal. The ids are one array: joined
// with a list of them, the planner reads all of the tenant's journal, once for each page.
const stories = statement<PastRow & { caseId: string }>(sql`
  select case_id as "caseId", seq, type, emitter, (extract(epoch from time) * 1000)::float8 as at,
    case
      when type = 'ExceptionTriaged' then jsonb_set(data::jsonb, '{triage,explain}', '[]')::json
      when type in ('PolicyEvaluated', 'CaseSuppressed') then jsonb_set(data::jsonb, '{policy,explain}', '[]')::json
      when type in ('PlaybookStarted', 'CaseEscalated') then jsonb_set(data::jsonb, '{explain}', '[]')::json
      else data
    end as data
  from journal
  where tenant_id = ${sql.placeholder('tenant')}
    and case_id = any (${sql.placeholder('ids')}::text::uuid[])
    and type in ('ExceptionIngested', 'ExceptionHeld', 'ExceptionTriaged', 'PolicyEvaluated', 'CaseSuppressed',
      'PlaybookStarted', 'ToolRequested', 'ToolFinished', 'ApprovalRequested', 'WaitResolved', 'CaseCommanded',
      'PlaybookFinished', 'CaseEscalated')
  order by case_id, seq`);

interface Place {
  readonly time: string;
  readonly id: string;
}
const START: Place = { time: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

async function readPage(session: Session, range: PastRange, after: Place) {
  const { tenantId: tenant, since, until, pageSize: limit } = range;
  await session.script('set transaction read only');
  const place = { seenTime: after.time, lastTime: after.time, lastId: after.id };
  const times = { from: since - CARRIED_MS, since, openAt: since, until };
  const found = await session.run(page, { tenant, ...times, ...place, limit });
  const ids = `{${found.map(({ caseId }) => caseId).join(',')}}`;
  const rows = found.length === 0 ? [] : await session.run(stories, { tenant, ids });
  const byCase = new Map(found.map(({ caseId }): [string, PastRow[]] => [caseId, []]));
  for (const { caseId, ...row } of rows) byCase.get(caseId)?.push(row);
  const last = found.at(-1);
  return {
    stories: [...byCase].map(([id, events]): PastStory => ({ id, events })),
    next: found.length < limit || last === undefined ? null : { time: last.createdAt, id: last.caseId },
  };
}

const PATIENCE: RetryProfile = { ...RETRY_PROFILES.block, tries: 5 };

/** A server that is busy with its workers may not give a page in time: minutes of work are not thrown away for that. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'transient' || tries === PATIENCE.tries) throw error;
      await sleep(delayBefore(PATIENCE, tries + 1));
    }
  }
}

/** Page by page, the oldest first. The next page is read while the caller works on one. */
async function* readPast(driver: Driver, range: PastRange): AsyncGenerator<readonly PastStory[]> {
  const scope = scopeOf([range.tenantId]);
  const read = (after: Place) =>
    patiently(() => driver.transaction(scope, (session) => readPage(session, range, after), true));
  let coming: ReturnType<typeof read> | null = read(START);
  try {
    while (coming !== null) {
      const { stories: found, next }: Awaited<ReturnType<typeof read>> = await coming;
      coming = next === null ? null : read(next);
      coming?.catch(() => undefined); // told when it is awaited, or not at all when nobody wants it any more
      yield found;
    }
  } finally {
    await coming?.catch(() => undefined);
  }
}

export const pastQueries = (driver: Driver) => ({
  readPast: (range: PastRange) => readPast(driver, range),
});
