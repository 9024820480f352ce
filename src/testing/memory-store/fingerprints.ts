/** How often fingerprints were reported. */
import { extended, occurrences } from '../../core/history.js';
import type { Occurrences } from '../../core/records.js';
import { type FingerprintReport, fingerprintKey } from '../../store/port.js';
import { type Context, checkTenant, compare, lockRow, tryRow } from './statements.js';

const nameOf = ({ tenantId, fingerprint }: Pick<FingerprintReport, 'tenantId' | 'fingerprint'>): string =>
  fingerprintKey(tenantId, fingerprint);

export async function countFingerprints(
  context: Context,
  reports: readonly FingerprintReport[],
): Promise<ReadonlyMap<string, Occurrences>> {
  const { database, transaction } = context;
  const { fingerprints } = database.tables;
  const found = new Map<string, Occurrences>();
  for (const report of [...reports].sort((a, b) => compare(nameOf(a), nameOf(b)))) {
    checkTenant(context, report.tenantId);
    const name = nameOf(report);
    await lockRow(context, fingerprints, name);
    const history = extended(transaction.get(fingerprints, name), report.count, database.clock());
    transaction.set(fingerprints, name, { tenantId: report.tenantId, fingerprint: report.fingerprint, ...history });
    found.set(name, occurrences(history, history.last));
  }
  return found;
}

export function forgetFingerprints(context: Context, olderMs: number, limit: number): number {
  const { database, transaction } = context;
  const { fingerprints } = database.tables;
  const before = database.clock() - olderMs;
  const old = transaction
    .rows(fingerprints)
    .filter((row) => transaction.sees(row.tenantId) && row.last < before)
    .slice(0, limit)
    .map(nameOf)
    .filter((name) => tryRow(context, fingerprints, name));
  for (const name of old) transaction.set(fingerprints, name, undefined);
  return old.length;
}
