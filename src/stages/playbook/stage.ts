import type { PackVersion, Stage } from '../contract.js';
import { CONSUMES, decide, type PlaybookEvent } from './decide.js';

export const playbook: Stage<(typeof CONSUMES)[number], PackVersion | null> = {
  name: 'playbook',
  consumes: CONSUMES,
  reads: ['exception', 'triage', 'policy', 'run'],
  gather: (deps, event) => {
    const version = packVersionOf(event);
    return version === null ? null : deps.packVersion(event.tenantId, version);
  },
  decide,
};

/** The version that a run is pinned to, as the event that concerns it names it. */
function packVersionOf({ type, data }: PlaybookEvent): number | null {
  switch (type) {
    case 'CaseCommanded':
      return null;
    case 'PolicyEvaluated':
      return data.policy.packVersion;
    case 'TimerFired':
      return typeof data.data.packVersion === 'number' ? data.data.packVersion : null;
    default:
      return data.packVersion;
  }
}
