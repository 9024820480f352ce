/** `allowPlaybooks`: a policy lets only these playbooks run. */
import type { OnlyPlaybooks, PolicyEffect } from '../../core/records.js';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import type { PackFile } from '../yaml.js';
import type { Match } from './match.js';
import type { PolicyDefault } from './types.js';

/** Effects under which a playbook can run at all. */
const RUNS: ReadonlySet<string> = new Set<PolicyEffect>(['allow', 'require_approval']);

/**
 * The names that the policy at `path` lists, whose effects (its own, and that of its budget) are these. Reports
 * PLAYBOOK_UNKNOWN, and FIELD_UNKNOWN where no playbook could run anyway.
 */
export function playbooksAt(
  { report }: CompileContext,
  file: PackFile,
  path: Path,
  listed: readonly string[] | undefined,
  effects: readonly string[],
  known: ReadonlySet<string>,
): readonly string[] | null {
  if (listed === undefined) return null;
  const inner = [...path, 'allowPlaybooks'];
  if (!effects.some((effect) => RUNS.has(effect))) {
    const message = `\`allowPlaybooks\` has no meaning with the effect \`${effects[0]}\`: no playbook runs.`;
    const hint = 'Take it out, or use `effect: allow` or `effect: require_approval`.';
    report.add(file.keyPlace(inner), 'FIELD_UNKNOWN', message, hint);
  }
  for (const [index, name] of listed.entries()) {
    if (known.has(name)) continue;
    const message = `There is no playbook \`${name}\`.`;
    report.add(file.place([...inner, index]), 'PLAYBOOK_UNKNOWN', message, suggestion(name, known));
  }
  return listed;
}

/** What the policies that apply let run, where that is not every playbook: each of them limits what the others let. */
export function onlyOf(effect: PolicyEffect, matching: readonly Match[]): readonly OnlyPlaybooks[] {
  if (!RUNS.has(effect)) return [];
  return matching.flatMap(({ policy: { name, playbooks } }) =>
    playbooks === null ? [] : [{ policy: name, playbooks: [...playbooks] }],
  );
}

export const onlyByDefault = ({ effect, playbooks }: PolicyDefault): readonly OnlyPlaybooks[] =>
  playbooks === null || !RUNS.has(effect) ? [] : [{ policy: null, playbooks: [...playbooks] }];
