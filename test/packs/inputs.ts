/** A thousand mixed inputs for four sources, the same each time but for the names of what they are about. */
export interface Request {
  readonly path: string; // behind the tenant: `exceptions/TENANT`, `hooks/TENANT/trades`
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Requests of one wave come in any order; a wave begins when everything before has come as far as it goes. */
export type Wave = readonly Request[];

const JSON_TYPE = { 'content-type': 'application/json' };

/** Makes the same choices in each life. */
function chooser(): <T>(list: readonly T[]) => T {
  let seed = 11;
  return (list) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return list[Math.floor((seed / 2_147_483_648) * list.length)] as (typeof list)[number];
  };
}

const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const chunks = <T>(list: readonly T[], size: number): T[][] =>
  many(Math.ceil(list.length / size), (n) => list.slice(n * size, (n + 1) * size));

const KINDS = ['FAIL', 'FAIL', 'FAIL', 'FAIL', 'HEARTBEAT', 'ODD', 'STRANGE'] as const;
const AMOUNTS = [10_000, 400_000, 5_000_000];
const NAMES = ['ACME', 'GLOBEX', 'INITECH', 'HOOLI'];

/** `prefix` names what they are about: other prefixes, other fingerprints. */
export function inputs(prefix: string): readonly Wave[] {
  const pick = chooser();
  const reports = many(400, (n) => ({
    type: pick(KINDS),
    title: pick(['late', 'in time']),
    entity: `${prefix}-R-${n}`,
    fields: { amount: pick(AMOUNTS), counterparty: pick(NAMES) },
  }));
  const breaks = many(300, (n) => ({
    kind: pick(KINDS),
    id: `${prefix}-B-${n}`,
    amount: pick(AMOUNTS),
    ccy: pick(['EUR', 'CHF']),
    cpty: pick(NAMES),
    status: 'FAILED',
  }));
  const again = breaks.slice(0, 40).map((one, n) => (n % 2 === 0 ? one : { ...one, ccy: 'JPY' }));
  const settled = breaks.slice(100, 128).map((one) => ({ ...one, status: 'SETTLED' }));
  const trades = (list: readonly unknown[]): Request => ({
    ...{ path: 'hooks/TENANT/trades', headers: JSON_TYPE, body: { breaks: list } },
  });
  const report = (body: unknown): Request => ({ path: 'exceptions/TENANT', headers: JSON_TYPE, body });
  return [
    [
      ...chunks(reports, 20).map(report),
      ...chunks(breaks, 20).map(trades),
      ...many(16, (n) => alerts(prefix, n, pick)),
      ...many(60, (n) => drift(prefix, n)),
    ],
    [...chunks(again, 10).map(trades), trades(settled)],
    ...many(12, (n) => [report({ type: 'BOOKING', entity: `${prefix}-K-${n}`, fields: { book: `${prefix}-rates` } })]),
  ];
}

function alerts(prefix: string, batch: number, pick: ReturnType<typeof chooser>): Request {
  const list = many(10, (n) => ({
    status: 'firing',
    labels: { alertname: 'Down', service: `${prefix}-S-${batch}-${n}`, severity: pick(['critical', 'warning']) },
    annotations: { summary: 'does not answer' },
    startsAt: '2026-11-20T16:40:05.123Z',
    fingerprint: `${prefix}-${batch}-${n}`,
  }));
  const body = { version: '4', status: 'firing', receiver: 'millrace', alerts: list };
  return { path: 'hooks/TENANT/alerts', headers: JSON_TYPE, body };
}

/** Structured and binary in turn. */
function drift(prefix: string, n: number): Request {
  const event = { specversion: '1.0', id: `${prefix}-${n}`, source: '/ledger', type: 'com.acme.ledger.drift' };
  const [subject, data] = [`${prefix}-L-${n}`, { cents: n }];
  const path = 'hooks/TENANT/events';
  if (n % 2 === 0) {
    return { path, headers: { 'content-type': 'application/cloudevents+json' }, body: { ...event, subject, data } };
  }
  const attributes = Object.entries({ ...event, subject }).map(([name, value]) => [`ce-${name}`, value]);
  return { path, headers: { ...JSON_TYPE, ...Object.fromEntries(attributes) }, body: data };
}
