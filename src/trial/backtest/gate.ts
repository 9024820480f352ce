/** A gate: a condition over the figures of a backtest, `changed < 2% && suppressed_critical == 0`. */
import { type Problem, ProblemError } from '../../core/errors.js';
import { SEVERITIES } from '../../core/records.js';
import { compileCondition } from '../../packs/index.js';
import { falseText } from './difference.js';
import type { BacktestReport, Counts, Words } from './report.js';

export interface GateAnswer {
  readonly expression: string;
  readonly passed: boolean;
  readonly reason: string | null; // the first part that did not hold, with the figures that it saw
}

const RESULTS = [
  'allow',
  'require_approval',
  'hold',
  'deny',
  'suppress',
  'merged',
  'member',
  'dropped',
  'refused',
] as const;

/** The figures by name: what a gate may speak of. `…_before` is the same of the active version. */
export function gateFigures(report: BacktestReport): Record<string, number> {
  const { cases, reports, changed, changedMarked: changed_marked, unknown, changedFromReal, counts } = report;
  const rows: [string, number][] = Object.entries({ cases, reports, changed, changed_marked, unknown });
  rows.push(['changed_from_real', changedFromReal]);
  for (const [suffix, of] of [
    ['', counts.candidate],
    ['_before', counts.active],
  ] as const) {
    for (const [name, value] of figuresOf(of)) rows.push([`${name}${suffix}`, value]);
  }
  return Object.fromEntries(rows);
}

function figuresOf({ result, suppressed, escalation, calls, severity }: Counts): [string, number][] {
  const of = (words: Words, word: string): number => words[word] ?? 0;
  const sum = (words: Words): number => Object.values(words).reduce((total, value) => total + value, 0);
  return [
    ...RESULTS.map((word): [string, number] => [word, of(result, word)]),
    ['suppressed', of(result, 'suppress')],
    ['escalated', sum(escalation)],
    ...SEVERITIES.map((word): [string, number] => [word, of(severity, word)]),
    ...SEVERITIES.map((word): [string, number] => [`suppressed_${word}`, of(suppressed, word)]),
    ['calls', sum(calls)],
    ...Object.entries({ read: 'calls_read', idempotent: 'calls_idempotent', at_most_once: 'calls_at_most_once' }).map(
      ([effect, name]): [string, number] => [name, of(calls, effect)],
    ),
  ];
}

const PERCENT = /(\d+(?:\.\d+)?)\s*%/g;
const partOf = (percent: string): string => `(${Number(percent) / 100} * cases)`;

/** What is told says `2%` where that was written. */
const asWritten = (expression: string, told: string): string =>
  [...expression.matchAll(PERCENT)].reduce(
    (text, [written, number = '']) => text.replaceAll(partOf(number), written),
    told,
  );

/** Throws ProblemError GATE_INVALID, which names what the gate does not know. */
export function evaluateGate(expression: string, report: BacktestReport): GateAnswer {
  const figures = gateFigures(report);
  const text = expression.replace(PERCENT, (_, number: string) => partOf(number));
  const { value, problems } = compileCondition(text, Object.keys(figures));
  const [first] = problems;
  if (value === undefined || first !== undefined) throw invalid(expression, first);
  const falsePart = value.falsePart(figures);
  if (falsePart?.error !== undefined) throw invalid(expression, { code: '', message: falsePart.error });
  const passed = falsePart === undefined && report.complete;
  const reason =
    falsePart !== undefined
      ? asWritten(expression, falseText({ falsePart }))
      : report.complete
        ? null
        : 'the backtest was ended early';
  return { expression, passed, reason };
}

function invalid(expression: string, problem: Pick<Problem, 'code' | 'message' | 'hint'> | undefined): ProblemError {
  const { message = 'It is not a condition.', hint = 'For example: changed < 2% && suppressed_critical == 0' } =
    problem ?? {};
  return new ProblemError({ code: 'GATE_INVALID', path: expression.slice(0, 200), message, hint });
}
