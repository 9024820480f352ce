/**
 * How many decisions one core makes with a pack of 20, 100 and 500 rules: triage and policy of one exception are one
 * decision. N rules are N rules of triage and N / 2 policies, most of which begin with what kind of exception they are for.
 */

import type { CompiledPack, TriageScope } from '../../src/packs/index.js';
import { compilePack, decidePolicy, decideTriage } from '../../src/packs/index.js';
import { surroundings } from '../lib/results.js';
import { median, shown, table } from '../lib/stats.js';
import type { Benchmark, BenchOptions, Outcome } from './index.js';
import { measureActivation, measurePast } from './packs-past.js';

const SIZES = [20, 100, 500] as const;
const GOALS: Readonly<Record<number, number>> = { 20: 20_000, 500: 5_000 };
const DESKS = ['rates', 'fx', 'credit', 'equities', 'repo'];
const EXCEPTIONS = 1_000;

/** The further parts of a rule's condition, in turn: what people write beside the type. */
const MORE = [
  () => '',
  (n: number) => ` && exception.fields.amount > ${(n % 7) * 100_000}`,
  () => ' && has(exception.fields.counterparty)',
  () => " && exception.severity in ['critical', 'high', 'medium']",
  () => " && lookup('owners', exception.fields.counterparty).desk != ''",
];

function triageYaml(rules: number): string {
  const owner = `  - name: who owns it
    when: has(exception.fields.counterparty)
    set: { owner: "\${{ lookup('owners', exception.fields.counterparty).desk }}" }
    continue: true
  - name: seen often
    when: seen.count > 5
    set: { labels: [noisy] }
    continue: true\n`;
  const typed = Array.from({ length: rules - 3 }, (_, n) => {
    const when = `exception.type == 'TYPE_${n}'${MORE[n % MORE.length]?.(n) ?? ''}`;
    return `  - name: rule ${n}\n    when: "${when}"\n    set: { category: category_${n % 25}, confidence: 0.9, labels: [l${n % 9}] }\n`;
  });
  return `triage:\n${owner}${typed.join('')}  - name: otherwise\n    set: { category: unknown, confidence: 0.3 }\n`;
}

function policiesYaml(policies: number): string {
  const guards = `  - name: big amounts need a second pair of eyes
    when: exception.fields.amount > 9000000
    effect: require_approval
    approval: { from: [ann] }
  - name: nobody is sure
    when: triage.confidence < 0.5
    effect: deny\n`;
  const typed = Array.from({ length: policies - 2 }, (_, n) => {
    const more = ['', ' && triage.confidence >= 0.8', ` && triage.owner == '${DESKS[n % DESKS.length]}'`][n % 3];
    const effect = n % 11 === 0 ? 'deny' : 'allow';
    return `  - name: policy ${n}\n    when: "triage.category == 'category_${n % 25}'${more}"\n    effect: ${effect}\n`;
  });
  return `default: { effect: deny, reason: no policy allows it }\npolicies:\n${guards}${typed.join('')}`;
}

function packOf(rules: number): CompiledPack {
  const owners = DESKS.map((desk, n) => `CPTY-${n},${desk}`).join('\n');
  const files = new Map([
    ['pack.yaml', 'name: bench\npeople: { ann: {} }\n'],
    ['triage.yaml', triageYaml(rules)],
    ['policies.yaml', policiesYaml(rules / 2)],
    ['tables/owners.csv', `counterparty,desk\n${owners}\n`],
  ]);
  const { pack, problems } = compilePack(files);
  if (pack === undefined) throw new Error(problems.map(({ path, message }) => `${path} ${message}`).join('\n'));
  return pack;
}

/** Exceptions of every type that the rules know, and some that none knows; one in ten lacks its fields. */
function scopesOf(rules: number): readonly TriageScope[] {
  const at = '2026-11-20T10:00:00.000Z';
  return Array.from({ length: EXCEPTIONS }, (_, n): TriageScope => {
    const fields = n % 10 === 0 ? {} : { amount: (n * 7_919) % 10_000_000, counterparty: `CPTY-${n % 8}`, ccy: 'EUR' };
    const type = `TYPE_${(n * 31) % (rules + 2)}`;
    const severity = (['critical', 'high', 'medium', 'low'] as const)[n % 4] ?? 'low';
    const rest = { severity, entity: `T-${n}`, source: 'trades', occurredAt: at, fingerprint: `f${n}`, fields };
    return {
      exception: { type, title: `Trade T-${n} failed`, ...rest },
      seen: { count: 1 + (n % 8), first: at, last: at, in1h: 1, in24h: 1 },
      ...{ tenant: 'bench', now: Date.parse(at), packVersion: 1 },
    };
  });
}

/** `all`: every rule is tried and told of, as if there were no index. */
function decideAll(pack: CompiledPack, scopes: readonly TriageScope[], all: boolean): void {
  for (const scope of scopes) {
    decidePolicy(pack, { ...scope, triage: decideTriage(pack, scope, { all }) }, undefined, { all });
  }
}

/** Decisions a second of one core: by the time that this process got, so that others on the machine do not count. */
function measure(pack: CompiledPack, scopes: readonly TriageScope[], all: boolean, seconds: number): number {
  const started = process.cpuUsage();
  for (let decisions = EXCEPTIONS; ; decisions += EXCEPTIONS) {
    decideAll(pack, scopes, all);
    const { user, system } = process.cpuUsage(started);
    const elapsed = (user + system) / 1e6;
    if (elapsed >= seconds) return decisions / elapsed;
  }
}

function decisions({ seconds, rounds }: BenchOptions) {
  const contenders = SIZES.map((rules) => {
    const [indexed, told]: [number[], number[]] = [[], []];
    return { rules, pack: packOf(rules), scopes: scopesOf(rules), indexed, told };
  });
  const each = seconds / rounds / SIZES.length / 2;
  for (const { pack, scopes } of contenders) measure(pack, scopes, false, Math.min(0.5, each)); // warm
  for (let round = 0; round < rounds; round++) {
    for (const { pack, scopes, indexed, told } of contenders) {
      indexed.push(measure(pack, scopes, false, each));
      told.push(measure(pack, scopes, true, each));
    }
  }
  return contenders.map(({ rules, indexed, told }) => ({ rules, rate: median(indexed), told: median(told) }));
}

/** One part of the benchmark: what it tells, and its figures for programs. */
interface Part {
  readonly report: string;
  readonly figures: Readonly<Record<string, number | readonly number[]>>;
}

function decisionsPart(options: BenchOptions): Part {
  const rates = decisions(options);
  const rows = rates.map(({ rules, rate, told }) => {
    const goal = GOALS[rules];
    return [`${rules}`, shown(rate), shown(1e6 / rate), shown(told), goal === undefined ? '' : `≥ ${goal}`];
  });
  const about = `Triage and policy of one exception, on one core, with the explanation that is recorded. N rules: N of triage, N / 2 policies.`;
  return {
    report: `${about}\n\n${table(['rules', 'decisions/s', 'µs each', 'every rule tried and told', 'goal'], rows)}`,
    figures: Object.fromEntries(
      rates.flatMap(({ rules, rate, told }) => [
        [`rules${rules}`, Math.round(rate)],
        [`rules${rules}All`, Math.round(told)],
      ]),
    ),
  };
}

async function pastPart({ past, profile }: BenchOptions): Promise<Part> {
  const told = await measurePast(past, profile);
  const rows = [
    ['cases a second of CPU', shown(told.perCpuSecond), '≥ 1,667'],
    ['cases a second by the clock', shown(told.perSecond), '≥ 1,667'],
    ['seconds', shown(told.seconds), '≤ 60 for 100,000'],
    ['cores that the backtest took', shown(told.cores), '≤ 1'],
    ['seconds of CPU of Postgres', shown(told.postgresSeconds), ''],
    ['MB at 10 %, 50 %, 100 %', told.rssMb.join(', '), 'flat'],
  ];
  const about = `Backtest: a candidate with one other rule of twenty on ${told.cases.toLocaleString('en')} exceptions of thirty days (${told.changed.toLocaleString('en')} change), read from Postgres (${told.postgres}) as the command reads them.`;
  return {
    report: `${about}\n\n${table(['', '', 'goal'], rows)}`,
    figures: {
      backtest: Math.round(told.perCpuSecond),
      backtestWall: Math.round(told.perSecond),
      backtestMb: told.rssMb,
    },
  };
}

async function activationPart(): Promise<Part> {
  const activateMs = await measureActivation();
  const about = 'Activation to the first decision by the new version, while the embedded pipeline runs';
  return {
    report: `${about}: ${shown(activateMs)} ms (goal ≤ 2,000).`,
    figures: { activateMs: Math.round(activateMs) },
  };
}

/** Run one after the other; each adds its own figures. `--only past` runs one of them. */
const PARTS: Readonly<Record<string, (options: BenchOptions) => Part | Promise<Part>>> = {
  decisions: decisionsPart,
  past: pastPart,
  activation: activationPart,
};

async function run(options: BenchOptions): Promise<Outcome> {
  const parts: Part[] = [];
  const wanted = Object.entries(PARTS).filter(([name]) => options.only.length === 0 || options.only.includes(name));
  for (const [, part] of wanted) parts.push(await part(options));
  const report = ['## packs', ...parts.map((part) => part.report), surroundings([])].join('\n\n');
  return { section: 'packs', report, figures: Object.assign({}, ...parts.map(({ figures }) => figures)) };
}

export const packs: Benchmark = { about: 'decisions by packs of 20, 100 and 500 rules, backtest, activation', run };
