import { z } from 'zod';
import type { ApprovalTerms } from '../../core/records.js';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { type Report, suggestion } from '../problems.js';
import { durationAt } from '../settings.js';
import { laterWords, readShape } from '../shape.js';
import type { CompiledPack } from '../types.js';
import type { PackFile } from '../yaml.js';

/** Nothing waits for ever: an approval that does not say when it ends, ends after a day and goes to a person. */
export const DEFAULT_APPROVAL_MS = 86_400_000;
const MAX_APPROVERS = 100;
const MAX_REMINDERS = 100;

export const ApprovalShape = z.strictObject({
  title: z.string().max(500).optional(),
  from: z.array(z.string().min(1)).max(MAX_APPROVERS),
  quorum: z.number().int().min(1).optional(),
  notRequester: z.boolean().optional(),
  timeout: z.unknown().optional(),
  remind: z.unknown().optional(),
  onTimeout: z.enum(['escalate', 'approve', 'reject']).optional(),
});
const LATER = laterWords('delegate', 'form');
const GROUP = 'group:';

/** The terms at `path`; reports APPROVERS_EMPTY, GROUP_UNKNOWN, PERSON_UNKNOWN, QUORUM_IMPOSSIBLE, REMIND_TIME, DURATION_INVALID. */
export function approvalAt(context: CompileContext, file: PackFile, path: Path): ApprovalTerms | undefined {
  const { report, settings } = context;
  const shape = readShape(file, path, ApprovalShape, report, LATER);
  const timeoutMs = durationAt(file, [...path, 'timeout'], report) ?? DEFAULT_APPROVAL_MS;
  const remindMs = remindAt(file, [...path, 'remind'], timeoutMs, report);
  if (shape === undefined) return undefined;
  const from = [...path, 'from'];
  const known = shape.from.filter((name, index) => isKnown(context, file, [...from, index], name));
  const quorum = shape.quorum ?? 1;
  if (known.length === shape.from.length) {
    const people = expandApprovers(settings, shape.from).length;
    if (people === 0) {
      report.add(
        file.place(from),
        'APPROVERS_EMPTY',
        'Nobody may approve this.',
        'Name people or a group: from: [group:desk].',
      );
    } else if (people < quorum) {
      const message = `${quorum} must approve, but only ${people} may.`;
      report.add(
        file.place([...path, 'quorum']),
        'QUORUM_IMPOSSIBLE',
        message,
        'Lower the quorum, or name more people.',
      );
    }
  }
  return {
    ...(shape.title === undefined ? {} : { title: shape.title }),
    from: shape.from,
    quorum,
    notRequester: shape.notRequester ?? false,
    timeoutMs,
    ...(remindMs !== undefined && { remindMs }),
    onTimeout: shape.onTimeout ?? 'escalate',
  };
}

/** How often people are reminded: within the time that they have, and not so often that nobody reads it any more. */
function remindAt(file: PackFile, path: Path, timeoutMs: number, report: Report): number | undefined {
  const remindMs = durationAt(file, path, report);
  if (remindMs === undefined) return undefined;
  const refuse = (message: string, hint: string) => report.add(file.place(path), 'REMIND_TIME', message, hint);
  if (remindMs >= timeoutMs)
    refuse(
      'Nobody would be reminded: the time is over before.',
      'Write less than `timeout`, which is a day where it is left out.',
    );
  else if (timeoutMs / remindMs > MAX_REMINDERS)
    refuse(
      `People would be reminded more than ${MAX_REMINDERS} times.`,
      'Write a longer time, or a shorter `timeout`.',
    );
  return remindMs;
}

function isKnown({ settings, report }: CompileContext, file: PackFile, path: Path, name: string): boolean {
  if (name.startsWith(GROUP)) {
    const group = name.slice(GROUP.length);
    if (settings.groups.has(group)) return true;
    report.add(
      file.place(path),
      'GROUP_UNKNOWN',
      `There is no group \`${group}\`.`,
      suggestion(group, settings.groups.keys()),
    );
    return false;
  }
  if (settings.people.size === 0 || settings.people.has(name)) return true;
  const hint = settings.groups.has(name)
    ? `Did you mean \`${GROUP}${name}\`?`
    : suggestion(name, settings.people.keys());
  report.add(file.place(path), 'PERSON_UNKNOWN', `There is no \`${name}\` among \`people\`.`, hint);
  return false;
}

/** The people behind `from`, groups replaced by their members, each once. */
export function expandApprovers(pack: Pick<CompiledPack, 'groups'>, from: readonly string[]): string[] {
  const people = from.flatMap((name) =>
    name.startsWith(GROUP) ? (pack.groups.get(name.slice(GROUP.length)) ?? []) : [name],
  );
  return [...new Set(people)];
}

/**
 * The approval of the policy at `path`, whose effects (its own, and that of its budget) are these. One that only its budget
 * asks for may be left out: then the default's counts, and where that has none either, a person takes over.
 */
export function compileApproval(
  context: CompileContext,
  file: PackFile,
  path: Path,
  effects: readonly string[],
): ApprovalTerms | null {
  const inner = [...path, 'approval'];
  const present = file.at(inner) !== undefined;
  if (effects.includes('require_approval')) {
    if (present) return approvalAt(context, file, inner) ?? null;
    if (effects[0] !== 'require_approval') return null;
    const hint = 'For example approval: { from: [group:desk] }.';
    context.report.add(file.place(path), 'FIELD_MISSING', '`approval` must say who may approve.', hint);
  } else if (present) {
    const message = `\`approval\` has no meaning with the effect \`${effects[0]}\`.`;
    const hint = 'Take it out, or use `effect: require_approval`.';
    context.report.add(file.keyPlace(inner), 'FIELD_UNKNOWN', message, hint);
  }
  return null;
}
