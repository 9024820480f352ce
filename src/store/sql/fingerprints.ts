/** How often fingerprints were reported: one statement a commit, whatever it accepts. */
import { type History, occurrences } from '../../core/history.js';
import type { Occurrences } from '../../core/records.js';
import { sql } from '../drizzle.js';
import { type FingerprintReport, fingerprintKey } from '../port.js';
import { fingerprints } from '../schema.js';
import { type Session, statement } from './driver.js';
import { ms, recordset } from './rows.js';

const BUCKET = `floor(extract(epoch from now()) / 300)::bigint`;
const OLDEST = `floor(extract(epoch from now() - interval '1 day') / 300)::bigint`;

const add = statement<{
  tenant_id: string;
  fingerprint: string;
  count: number;
  first_at: number;
  last_at: number;
  buckets: History['buckets'];
}>(sql`
  insert into ${fingerprints} as f (tenant_id, fingerprint, count, first_at, last_at, buckets)
  select t, p, n, now(), now(), jsonb_build_object(${sql.raw(BUCKET)}::text, n)
    from ${recordset('rows', 'r', 't text, p text, n int')} order by t, p
  on conflict (tenant_id, fingerprint) do update set count = f.count + excluded.count,
    last_at = greatest(f.last_at, excluded.last_at),
    buckets = (select jsonb_object_agg(b.k, b.n) from (
      select e.key as k, sum(e.value::bigint) as n
      from (select * from jsonb_each_text(f.buckets) union all select * from jsonb_each_text(excluded.buckets)) e
      where e.key::bigint >= ${sql.raw(OLDEST)} group by e.key) b)
  returning f.tenant_id, f.fingerprint, f.count, ${ms('f.first_at')} as first_at, ${ms('f.last_at')} as last_at, f.buckets`);

export async function countFingerprints(
  session: Session,
  reports: readonly FingerprintReport[],
): Promise<ReadonlyMap<string, Occurrences>> {
  const list = reports.map((one) => ({ t: one.tenantId, p: one.fingerprint, n: one.count }));
  const rows = await session.run(add, { rows: JSON.stringify(list) });
  return new Map(
    rows.map(({ tenant_id, fingerprint, count, first_at: first, last_at: last, buckets }) => [
      fingerprintKey(tenant_id, fingerprint),
      occurrences({ count, first, last, buckets }, last),
    ]),
  );
}

const forget = statement<{ gone: number }>(sql`
  with old as materialized (
    select tenant_id, fingerprint from ${fingerprints}
    where last_at < now() - make_interval(secs => ${sql.placeholder('seconds')}::float8)
    limit ${sql.placeholder('limit')} for update skip locked
  ), gone as (
    delete from ${fingerprints} f using old o
    where f.tenant_id = o.tenant_id and f.fingerprint = o.fingerprint returning 1
  )
  select count(*)::int as gone from gone`);

export async function forgetFingerprints(session: Session, olderMs: number, limit: number): Promise<number> {
  const [row] = await session.run(forget, { seconds: olderMs / 1_000, limit });
  return row?.gone ?? 0;
}
