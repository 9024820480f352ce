/** A backtest as one page to hand on: no scripts, nothing from outside, fit to print. */
import type { BacktestReport, CauseCount, Change, Dimension, Move } from './report.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const esc = (value: unknown): string => String(value ?? '').replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter);
const number = (value: number): string => value.toLocaleString('en-US');
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #888; --mark: #b45309; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.sub, .soft { color: var(--soft); } .big { font-size: 2rem; font-weight: 600; } .figures { display: flex; flex-wrap: wrap; gap: 2.5rem; margin: 1.5rem 0; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; color: var(--soft); } .n { text-align: right; font-variant-numeric: tabular-nums; } .mark { color: var(--mark); font-weight: 600; }
code { font: .9em ui-monospace, monospace; } tr { break-inside: avoid; } .warn { border-left: 4px solid var(--mark); padding-left: 1rem; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } }`;

export function backtestPage(report: BacktestReport): string {
  const { tenant, candidate, active, since, until, complete, replayedUntil, notes } = report;
  const title = `Backtest of ${candidate.name} for ${tenant}`;
  const early = complete
    ? ''
    : `<p class="warn">Ended early: only the time up to ${esc(replayedUntil)} was replayed.</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${esc(title)}</title><style>${STYLE}</style></head><body>
<h1>${esc(title)}</h1>
<p class="sub">Against version ${active.version} of ${esc(active.name)}, ${esc(since)} to ${esc(until)} · candidate <code>${esc(candidate.hash.slice(0, 12))}</code></p>
${early}${figures(report)}
${notes.map((note) => `<p class="soft">${esc(note)}</p>`).join('\n')}
<h2>The rules that make the difference</h2>${causes(report.causes)}
<h2>From the active version to the candidate</h2>${moves(report.matrices.result)}
<h2>Counts</h2>${counts(report)}
<h2>Exceptions that change</h2>${changes(report)}
</body></html>
`;
}

function figures({ cases, reports, changed, changedMarked, changedFromReal }: BacktestReport): string {
  const one = (value: string, words: string) =>
    `<div><div class="big">${value}</div><div class="soft">${esc(words)}</div></div>`;
  return `<div class="figures">${[
    one(number(cases), `exceptions, ${number(reports)} reports`),
    one(`${number(changed)} <span class="soft">${percent(changed, cases)}</span>`, 'change'),
    one(number(changedMarked), 'of them were escalated, or people corrected them'),
    one(number(changedFromReal), 'differ from what really happened'),
  ].join('')}</div>`;
}

const table = (heads: readonly string[], rows: readonly string[]): string =>
  rows.length === 0
    ? '<p class="soft">None.</p>'
    : `<table><thead><tr>${heads.map((head) => `<th>${esc(head)}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;

const causes = (all: readonly CauseCount[]): string =>
  table(
    ['rule', 'why', 'what changes', 'cases', 'marked'],
    all.map(
      ({ stage, rule, place, why, cases, marked, moves: found, example }) =>
        `<tr><td><b>${esc(rule)}</b><br><span class="soft">${esc(place ?? stage)}</span></td><td>${esc(why)}<br><span class="soft">for example <code>${esc(example)}</code></span></td>` +
        `<td>${found.slice(0, 5).map(moveText).join('<br>')}</td><td class="n">${number(cases)}</td><td class="n${marked > 0 ? ' mark' : ''}">${number(marked)}</td></tr>`,
    ),
  );

const moveText = ({ before, after, cases }: Move): string =>
  before === after
    ? `${esc(before)}, otherwise (${number(cases)})`
    : `${esc(before)} → ${esc(after)} (${number(cases)})`;

const moves = (all: readonly Move[]): string =>
  table(
    ['active version', 'candidate', 'cases'],
    all.map(({ before, after, cases }) => {
      const name = before === after ? 'soft' : '';
      return `<tr class="${name}"><td>${esc(before)}</td><td>${esc(after)}</td><td class="n">${number(cases)}</td></tr>`;
    }),
  );

const DIMENSIONS: readonly (readonly [Dimension, string])[] = [
  ['result', 'result'],
  ['category', 'category'],
  ['severity', 'severity'],
  ['playbook', 'playbook'],
  ['escalation', 'escalated, by code'],
  ['suppressed', 'suppressed, by severity'],
  ['approvals', 'approvals, by who is asked'],
  ['calls', 'tool calls, by effect'],
];

/** Every word of a dimension with its three figures, the largest first. */
export function countRows({ counts }: BacktestReport, dimension: Dimension): [string, number, number, number][] {
  const [really, active, candidate] = [counts.really[dimension], counts.active[dimension], counts.candidate[dimension]];
  const words = new Set([...Object.keys(candidate), ...Object.keys(active), ...Object.keys(really)]);
  return [...words].map((word) => [word, really[word] ?? 0, active[word] ?? 0, candidate[word] ?? 0]);
}

function counts(report: BacktestReport): string {
  const rows = DIMENSIONS.flatMap(([dimension, words]) =>
    countRows(report, dimension).map(([word, ...values], index) => {
      const cells = values.map((value) => `<td class="n">${number(value)}</td>`).join('');
      return `<tr><td class="soft">${index === 0 ? esc(words) : ''}</td><td>${esc(word)}</td>${cells}</tr>`;
    }),
  );
  return table(['', '', 'really', 'active version', 'candidate'], rows);
}

function changes({ changes: all, notListed }: BacktestReport): string {
  const rows = all.map(changeRow);
  const rest = notListed > 0 ? `<p class="soft">${number(notListed)} more are counted above and not listed.</p>` : '';
  return table(['exception', 'what changes', 'because of', 'really'], rows) + rest;
}

function changeRow({ id, at, title, differences, cause, marks, really }: Change): string {
  const what = differences.map(({ field, before, after }) => `${esc(field)}: ${esc(before)} → <b>${esc(after)}</b>`);
  const marked = marks.length === 0 ? '' : `<br><span class="mark">${esc(marks.join(', '))}</span>`;
  return (
    `<tr><td>${esc(title ?? id)}<br><span class="soft">${esc(at)}</span><br><code>${esc(id)}</code></td><td>${what.join('<br>')}</td>` +
    `<td><b>${esc(cause.rule)}</b> <span class="soft">${esc(cause.place)}</span><br>${esc(cause.why)}</td><td>${esc(really)}${marked}</td></tr>`
  );
}
