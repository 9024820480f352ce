/** A backtest as a terminal shows it. */
import type { BacktestReport, CauseCount, Change, GateAnswer, Move } from '../trial/index.js';
import { colorsOf, type Io, shortTime, tableLines } from './io.js';

const number = (value: number): string => value.toLocaleString('en-US');
const percent = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;

export function backtestLines(io: Io, report: BacktestReport, seconds: number): string[] {
  const color = colorsOf(io);
  const { candidate, active, since, until, cases, reports, changed, changedMarked, unknown, complete } = report;
  const days = `${shortTime(since).slice(0, 16)} to ${shortTime(until).slice(0, 16)}`;
  const speed = `${number(cases)} exceptions, ${number(reports)} reports, in ${seconds.toFixed(1)} s`;
  const marked =
    changedMarked === 0 ? '' : color.yellow(`  ${number(changedMarked)} of them were escalated or corrected`);
  return [
    color.bold(`${candidate.name} against version ${active.version}, ${days}`),
    color.dim(speed),
    ...(complete
      ? []
      : [color.yellow(`Ended early: only the time up to ${shortTime(report.replayedUntil)} was replayed.`)]),
    '',
    `${color.bold(`${number(changed)} change`)}  ${percent(changed, cases)}${marked}`,
    ...(unknown === 0
      ? []
      : [color.yellow(`${number(unknown)} cannot be told: the candidate reads what was not kept`)]),
    '',
    ...countLines(io, report),
    ...causeLines(io, report),
    ...changeLines(io, report),
    ...report.notes.map((note) => color.dim(note)),
  ];
}

const DIMENSIONS = ['result', 'severity', 'category', 'playbook', 'escalation', 'approvals', 'calls'] as const;
const ALWAYS = new Set<string>(['result']);
const MOST_WORDS = 8;

/** Results always, anything else where it changes. */
function countLines(io: Io, { counts, mergedReports }: BacktestReport): string[] {
  const color = colorsOf(io);
  const { really, active, candidate } = counts;
  const rows = DIMENSIONS.flatMap((dimension) => {
    const words = [...new Set([...Object.keys(candidate[dimension]), ...Object.keys(active[dimension])])];
    const found = words.map(
      (word) =>
        [word, really[dimension][word] ?? 0, active[dimension][word] ?? 0, candidate[dimension][word] ?? 0] as const,
    );
    const told = found.filter(([, , before, after]) => ALWAYS.has(dimension) || before !== after).slice(0, MOST_WORDS);
    return told.map(([word, ...figures], index) => row(index === 0 ? dimension : '', word, ...figures));
  });
  const merged = row('reports', 'merged', mergedReports.really, mergedReports.active, mergedReports.candidate);
  const lines = tableLines(io, ['', '', '   really', '   active', 'candidate', ''], [...rows, merged]);
  return [...lines.map((line) => line.replace(/([+−][\d,]+)$/, (change) => color.bold(change))), ''];
}

function row(name: string, word: string, really: number, active: number, candidate: number): string[] {
  const by = candidate - active;
  const change = by === 0 ? '' : `${by > 0 ? '+' : '−'}${number(Math.abs(by))}`;
  return [name, word, number(really).padStart(9), number(active).padStart(9), number(candidate).padStart(9), change];
}

const MOST_CAUSES = 10;

function causeLines(io: Io, { causes }: BacktestReport): string[] {
  const color = colorsOf(io);
  if (causes.length === 0) return [];
  const rest = causes.length > MOST_CAUSES ? [color.dim(`  and ${causes.length - MOST_CAUSES} more rules`)] : [];
  return [
    color.bold('What makes the difference'),
    ...causes.slice(0, MOST_CAUSES).flatMap((cause) => causeLine(io, cause)),
    ...rest,
    '',
  ];
}

function causeLine(io: Io, { stage, rule, place, why, cases, marked, moves, example }: CauseCount): string[] {
  const color = colorsOf(io);
  const marks = marked === 0 ? '' : color.yellow(`  ${number(marked)} escalated or corrected`);
  return [
    `${number(cases).padStart(7)}  ${color.cyan(rule)}  ${color.dim(place ?? stage)}${marks}`,
    `         ${why}`,
    `         ${moves.slice(0, 3).map(moveText).join(', ')}  ${color.dim(`such as ${example}`)}`,
  ];
}

const moveText = ({ before, after, cases }: Move): string =>
  `${before === after ? `${before}, otherwise` : `${before} → ${after}`} ${number(cases)}`;

const MOST_CHANGES = 20;

function changeLines(io: Io, { changes, changed }: BacktestReport): string[] {
  if (changes.length === 0) return [];
  const color = colorsOf(io);
  const shown = changes.slice(0, MOST_CHANGES);
  const rest = changed > shown.length ? color.dim(`  the first ${shown.length} of ${number(changed)}`) : '';
  return [color.bold('Exceptions that change') + rest, ...shown.flatMap((change) => changeLine(io, change)), ''];
}

function changeLine(io: Io, { id, at, title, differences, cause, marks }: Change): string[] {
  const color = colorsOf(io);
  const marked = marks.length === 0 ? '' : color.yellow(`  ${marks.join(', ')}`);
  const what = differences.map(({ field, before, after }) => `${field} ${before} → ${color.bold(after)}`).join(', ');
  return [
    `  ${color.dim(shortTime(at))}  ${title ?? ''}  ${color.dim(id)}${marked}`,
    `      ${what}`,
    `      ${color.cyan(cause.rule)} ${color.dim(cause.place ?? cause.stage)}  ${cause.why}`,
  ];
}

export function gateLines(io: Io, { expression, passed, reason }: GateAnswer): string[] {
  const color = colorsOf(io);
  if (passed) return [`${color.green('passed')}  ${expression}`];
  return [`${color.red('refused')}  ${expression}`, `         ${reason ?? ''}`];
}
