/** What the load sends, made from the seed alone: the same seed, the same requests in the same order. */
import { KINDS, type Kind } from './pack.js';
import { type Random, randomOf } from './random.js';

/** One exception that some client reports, perhaps more than once. */
export interface Reported {
  readonly n: number; // number of the exception: reports of the same one share it
  readonly kind: Kind;
  readonly tenant: string;
  readonly resolve: boolean;
}

/** One HTTP request. Requests with the same `id` are the same request, sent again with the same Idempotency-Key. */
export interface Planned {
  readonly id: string;
  readonly tenant: string;
  readonly hook: boolean; // an Alertmanager webhook
  readonly key: string | null; // Idempotency-Key
  readonly items: readonly Reported[];
  readonly after: string | null; // not before this request was answered
}

export interface PlanOptions {
  readonly seed: number;
  readonly tenants: readonly string[];
  readonly exceptions: number;
}

// repair 60 %, blind 10 %, ask 5 %, noise 12 %, stuck 8 %, alert 5 %
const SHARES: Readonly<Record<Kind, number>> = { repair: 60, blind: 10, ask: 5, noise: 12, stuck: 8, alert: 5 };
const BAG: readonly Kind[] = KINDS.flatMap((kind) => Array.from({ length: SHARES[kind] }, () => kind));

/** A tenth of the exceptions are duplicates, one in twenty is an alert that resolves later. */
export function planLoad({ seed, tenants, exceptions }: PlanOptions): Planned[] {
  const random = randomOf(seed, 'plan');
  const plan: Planned[] = [];
  const stuck: Planned[] = [];
  let n = 0;
  while (n < exceptions) {
    const request = nextRequest(random, tenants, exceptions - n, n, plan.length);
    n += request.items.length;
    plan.push(request);
    if (request.items.some(({ kind }) => kind === 'stuck') && !request.hook) stuck.push(request);
    if (request.hook) plan.push(resolveOf(request, plan.length));
    n += addDuplicate(random, plan, stuck, request, exceptions - n);
  }
  return plan;
}

function nextRequest(random: Random, tenants: readonly string[], left: number, n: number, index: number): Planned {
  const tenant = random.pick(tenants);
  const first = random.pick(BAG);
  const hook = first === 'alert';
  const wanted = !hook && random.chance(0.15) ? 2 + random.below(15) : 1;
  const size = Math.min(wanted, left);
  const kindAt = (i: number): Kind => (i === 0 ? first : notAlert(random));
  const items = Array.from({ length: size }, (_, i) => ({ n: n + i, kind: kindAt(i), tenant, resolve: false }));
  const id = `r${index}`;
  return { id, tenant, hook, key: random.chance(0.6) ? `key-${id}` : null, items, after: null };
}

function notAlert(random: Random): Kind {
  const kind = random.pick(BAG);
  return kind === 'alert' ? 'repair' : kind;
}

function resolveOf(request: Planned, index: number): Planned {
  const id = `r${index}`;
  const items = request.items.map((item) => ({ ...item, resolve: true }));
  return { id, tenant: request.tenant, hook: true, key: `key-${id}`, items, after: request.id };
}

/** Adds reports of what was reported before, in ways that must not make a second case; answers how many. */
function addDuplicate(
  random: Random,
  plan: Planned[],
  stuck: readonly Planned[],
  request: Planned,
  left: number,
): number {
  if (left <= 0 || !random.chance(0.1)) return 0;
  if (request.key !== null && random.chance(0.5)) {
    plan.push({ ...request, after: null }); // the same request at the same time: its key makes it one
    return request.items.length;
  }
  if (random.chance(0.5) || stuck.length === 0) {
    const twice = { ...request, items: [...request.items, ...request.items] };
    if (request.hook) return 0;
    plan[plan.length - 1] = twice; // twice in one list
    return request.items.length;
  }
  const earlier = random.pick(stuck);
  const items = earlier.items.filter(({ kind }) => kind === 'stuck'); // nothing closes these
  plan.push({ ...earlier, id: `r${plan.length}`, key: null, items, after: null });
  return items.length;
}

/** `acme-e17`: the tenant stands in it, so that what crosses tenants is seen. */
export const entityOf = ({ tenant, n }: Pick<Reported, 'tenant' | 'n'>): string => `${tenant}-e${n}`;

/** The body of the request. */
export function bodyOf(request: Planned): unknown {
  if (request.hook) return { version: '4', status: 'firing', receiver: 'millrace', alerts: request.items.map(alert) };
  const list = request.items.map(generic);
  return list.length === 1 ? list[0] : list;
}

const generic = (item: Reported) => ({
  type: item.kind,
  title: `${item.kind} ${item.n}`,
  entity: entityOf(item),
  severity: ['low', 'medium', 'high'][item.n % 3],
  fields: { n: item.n, canary: `canary-${item.tenant}`, note: 'x'.repeat(50 + (item.n % 7) * 40) },
});

const alert = (item: Reported) => ({
  status: item.resolve ? 'resolved' : 'firing',
  labels: { alertname: 'Down', instance: entityOf(item), n: String(item.n), asks: item.n % 2 === 0 ? 'yes' : 'no' },
  annotations: { summary: `alert ${item.n}`, canary: `canary-${item.tenant}` },
  startsAt: '2026-11-20T10:00:00Z',
  fingerprint: `alert-${item.n}`,
});
