import type { OnlyPlaybooks, RuleTrace } from '../../core/records.js';
import { playbookScope } from '../scope.js';
import type { CompiledPack, CompiledPlaybook, PlaybookScope } from '../types.js';

export interface PlaybookChoice {
  readonly playbook: CompiledPlaybook | null;
  readonly explain: RuleTrace[];
}

/** The matching playbook of the highest priority that policy allows (among equals the first by name), and why the others were passed over. */
export function choosePlaybook(pack: CompiledPack, scope: PlaybookScope): PlaybookChoice {
  const names = playbookScope(scope);
  const explain: RuleTrace[] = [];
  let chosen: CompiledPlaybook | null = null;
  for (const playbook of pack.playbooks) {
    const { name, place, priority } = playbook;
    const falsePart = playbook.when?.falsePart(names);
    const not = scope.policy.only?.find((only) => !only.playbooks.includes(name));
    if (falsePart !== undefined) {
      explain.push({ name, place, matched: false, falsePart });
    } else if (not !== undefined) {
      explain.push({ name, place, matched: true, note: limitText(not) });
    } else if (chosen === null) {
      chosen = playbook;
      explain.push({ name, place, matched: true, note: `chosen with priority ${priority}` });
    } else {
      const why = chosen.priority > priority ? `has priority ${chosen.priority}` : 'comes first by name';
      explain.push({
        name,
        place,
        matched: true,
        note: `passed over with priority ${priority}: \`${chosen.name}\` ${why}`,
      });
    }
  }
  return { playbook: chosen, explain };
}

/** What a policy lets run. */
export const limitText = ({ policy, playbooks }: OnlyPlaybooks): string =>
  `${policy === null ? 'the default policy' : `\`${policy}\``} allows only ${playbooks.join(', ')}`;
