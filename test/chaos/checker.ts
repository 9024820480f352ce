/** The judge: raw tables, raw topics, the sink's file and what clients were told; nothing of the product's code. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type postgres from 'postgres';
import { CASES } from './invariants/cases.js';
import { EFFECTS } from './invariants/effects.js';
import { type Invariant, VIEWS } from './invariants/invariant.js';
import { JOURNEY } from './invariants/journey.js';
import { PLACES } from './invariants/places.js';

export interface Judgement {
  readonly id: string;
  readonly title: string;
  readonly counted: number;
  readonly wrong: number;
  readonly examples: readonly unknown[]; // the first few that are wrong
}

/** What the run itself saw, beside tables and topics. */
export interface Facts {
  readonly logs: string; // folder
  readonly secret: string; // must stand nowhere
  readonly settled: boolean;
  readonly unsettled: unknown;
  readonly notReady: readonly string[]; // processes that are alive but not ready at the end
  readonly processes: number;
  readonly exits: readonly { readonly name: string; readonly code: number | null; readonly asked: boolean }[];
}

const EXAMPLES = 5;

/** Judges everything; the evidence must have been collected. */
export async function judge(sql: postgres.Sql, facts: Facts): Promise<Judgement[]> {
  await sql.unsafe(VIEWS);
  const results: Judgement[] = [];
  for (const invariant of [...JOURNEY, ...CASES, ...EFFECTS, ...PLACES]) results.push(await ask(sql, invariant));
  results.push(await secretStays(sql, facts), ...processesLive(facts));
  return results.sort((a, b) => numberOf(a.id) - numberOf(b.id));
}

const numberOf = (id: string): number => Number(id.slice(1));

async function ask(sql: postgres.Sql, { id, title, counted, violations }: Invariant): Promise<Judgement> {
  const [count] = await sql.unsafe<{ n: string }[]>(`select (${counted})::bigint as n`);
  const rows = await sql.unsafe(
    `select count(*) over () as wrong_in_all, v.* from (${violations}) v limit ${EXAMPLES}`,
  );
  const examples = rows.map(({ wrong_in_all: _, ...row }) => row);
  return { id, title, counted: Number(count?.n ?? 0), wrong: Number(rows[0]?.wrong_in_all ?? 0), examples };
}

const KEPT = [
  'journal.data',
  'cases.run',
  'executions.input',
  'executions.result',
  'executions.error',
  'dead_letters.headers',
  'evidence.records.data',
];

async function secretStays(sql: postgres.Sql, { logs, secret }: Facts): Promise<Judgement> {
  const found: string[] = [];
  let looked = 0;
  for (const place of KEPT) {
    const [table, column] = [place.slice(0, place.lastIndexOf('.')), place.slice(place.lastIndexOf('.') + 1)];
    const [row] = await sql.unsafe<{ n: number; bad: number }[]>(
      `select count(*)::int as n, (count(*) filter (where ${column}::text like $1))::int as bad from ${table}`,
      [`%${secret}%`],
    );
    looked += row?.n ?? 0;
    if (row && row.bad > 0) found.push(`${place}: ${row.bad} rows`);
  }
  for (const name of await readdir(logs)) {
    looked++;
    if ((await readFile(join(logs, name), 'utf8')).includes(secret)) found.push(name);
  }
  const title = 'the secret is in no log, no topic and no table';
  return { id: 'I15', title, counted: looked, wrong: found.length, examples: found };
}

const EXIT_CONFIG = 78; // a supervisor that starts such a process again does so in vain

function processesLive({ notReady, processes, settled, unsettled, exits }: Facts): Judgement[] {
  const refused = exits.filter(({ asked, code }) => !asked && code === EXIT_CONFIG);
  const starts = { id: 'I17', title: 'no process that was started again refused its surroundings' };
  const alive = { id: 'I17', title: 'every process that lives is ready', counted: processes };
  const done = { id: 'I18', title: 'nothing is left under way, no lag', counted: 1 };
  return [
    { ...alive, wrong: notReady.length, examples: notReady },
    { ...starts, counted: exits.length, wrong: refused.length, examples: refused },
    { ...done, wrong: settled ? 0 : 1, examples: settled ? [] : [unsettled] },
  ];
}

/** One line an invariant, with examples where it does not hold. */
export function judgementLines(judgements: readonly Judgement[]): string[] {
  return judgements.flatMap(({ id, title, counted, wrong, examples }) => [
    `${wrong === 0 ? 'OK  ' : 'FAIL'} ${id.padEnd(4)} ${title}: ${counted} looked at${wrong === 0 ? '' : `, ${wrong} wrong`}`,
    ...examples.map((example) => `         ${JSON.stringify(example)}`),
  ]);
}
