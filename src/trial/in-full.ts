/** Makes what decisions told in brief a line for each rule again, by the pack versions that decided. */
import type { RuleTrace } from '../core/records.js';
import { type CompiledPack, eachTrace } from '../packs/index.js';
import type { ToldEvent } from './explained.js';

/** Where the versions of a tenant's pack can be had; null: this one cannot be used any more, its rules keep their names. */
export type VersionOf = (version: number) => Promise<Pick<CompiledPack, 'triage' | 'policies'> | null>;

export function toldInFull(events: readonly ToldEvent[], versionOf: VersionOf): Promise<ToldEvent[]> {
  return Promise.all(events.map((event) => inFull(event, versionOf)));
}

async function inFull(event: ToldEvent, versionOf: VersionOf): Promise<ToldEvent> {
  switch (event.type) {
    case 'ExceptionTriaged': {
      const { triage } = event.data;
      if (!isBrief(triage.explain)) return event;
      const rules = (await versionOf(triage.packVersion))?.triage ?? [];
      return { ...event, data: { ...event.data, triage: { ...triage, explain: eachTrace(rules, triage.explain) } } };
    }
    case 'PolicyEvaluated':
    case 'CaseSuppressed': {
      const { policy } = event.data;
      if (!isBrief(policy.explain)) return event;
      const rules = (await versionOf(policy.packVersion))?.policies ?? [];
      return { ...event, data: { ...event.data, policy: { ...policy, explain: eachTrace(rules, policy.explain) } } };
    }
    default:
      return event;
  }
}

const isBrief = (explain: readonly RuleTrace[]): boolean => explain.some(({ rules }) => rules !== undefined);
