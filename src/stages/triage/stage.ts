import type { PackVersion, Stage } from '../contract.js';
import { decide } from './decide.js';

export const triage: Stage<'ExceptionNormalized', PackVersion> = {
  name: 'triage',
  consumes: ['ExceptionNormalized'],
  reads: ['exception', 'triage'],
  gather: (deps, event) => deps.activePack(event.tenantId),
  decide,
};
