/** A simulated case as a terminal shows it. */
import type { Explained } from '../api/trial-schemas.js';
import { CALL_EFFECTS } from '../core/work.js';
import { explainCase, type WalkedCase } from '../trial/index.js';
import { explanationLines } from './explaining.js';
import { colorsOf, type Io } from './io.js';

const EFFECTS = {
  read: 'reads',
  idempotent: 'changes, safe to repeat',
  at_most_once: 'changes, at most once',
} as const;

export function walkedLines(io: Io, walked: WalkedCase, isWhole: boolean): string[] {
  const color = colorsOf(io);
  const { exception, status, events, problem, calls, approvals, ending, waitsFor, items } = walked;
  const { summary, parts } = explainCase(events);
  // It has no version yet.
  const told = parts.map((part) => ({ ...part, packVersion: null, tried: [...part.tried] })) as Explained['parts'];
  const title = exception === null ? 'An item that could not be read' : `${exception.type}: ${exception.title}`;
  const lines = [
    color.bold(title) + (items > 1 ? color.dim(`  ${items} items`) : ''),
    `${status}: ${summary}`,
    ...(problem === null ? [] : [color.red(`${problem.code}: ${problem.message}`)]),
    '',
    ...explanationLines(io, told, isWhole),
    '',
  ];
  for (const effect of CALL_EFFECTS) {
    const found = calls.filter((call) => call.effect === effect);
    for (const { tool, step, input } of found)
      lines.push(`${EFFECTS[effect]}: ${color.bold(tool)} (${step})  ${JSON.stringify(input)}`);
  }
  for (const { title: question, from, quorum, decision } of approvals) {
    lines.push(
      `asks ${quorum} of ${color.bold(from.join(', '))}: ${question}${decision === null ? '' : `  ${decision}`}`,
    );
  }
  if (ending !== null)
    lines.push(`ends ${color.bold(ending.outcome)}${ending.reason === null ? '' : `: ${ending.reason}`}`);
  if (waitsFor !== null) lines.push(color.yellow(`stops at ${waitsFor}: say in --given what it answers`));
  return [...lines, ''];
}
