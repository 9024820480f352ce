/** The exceptions of the load: sixteen types, all of them known to the pack and repaired by one call. */
const TYPES = [
  'SETTLEMENT_FAIL',
  'SSI_MISSING',
  'UNMATCHED',
  'LATE_MATCH',
  'STATIC_MISSING',
  'STATIC_STALE',
  'PRICE_STALE',
  'PRICE_JUMP',
  'ISIN_UNKNOWN',
  'LEI_UNKNOWN',
  'SERVICE_DOWN',
  'SERVICE_SLOW',
  'FEED_GAP',
  'FEED_LATE',
  'BATCH_LATE',
  'BATCH_FAILED',
] as const;
const COUNTERPARTIES = ['ACME', 'GLOBEX', 'INITECH'] as const;
const SEVERITIES = ['high', 'medium', 'low'] as const;

let made = 0;
const run = Date.now().toString(36);

/** One exception as a source sends it, about 500 bytes; no two share a fingerprint. */
export function nextException(): object {
  const n = made++;
  return {
    type: TYPES[n % TYPES.length],
    title: `Trade T-${n} needs repair: late matching of the second leg`,
    severity: SEVERITIES[n % SEVERITIES.length],
    entity: `T-${n}`,
    occurredAt: new Date(1_790_000_000_000 + n).toISOString(),
    fingerprint: `${run}-${n}`,
    fields: {
      amount: 1_000 + (n % 900_000),
      ccy: 'EUR',
      counterparty: COUNTERPARTIES[n % COUNTERPARTIES.length],
      reason: 'no matching instruction was received before the cut-off',
      account: `ACC-${n % 500}`,
      isin: `DE000${1_000_000 + (n % 1_000)}`,
      book: `book-${n % 40}`,
      trader: `trader-${n % 70}`,
      legs: [
        { side: 'buy', quantity: n % 10_000, price: 101.25 },
        { side: 'sell', quantity: n % 10_000, price: 101.5 },
      ],
    },
  };
}
