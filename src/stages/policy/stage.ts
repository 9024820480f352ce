import type { PackVersion, Stage } from '../contract.js';
import { claims, decide } from './decide.js';

export const policy: Stage<'ExceptionTriaged', PackVersion> = {
  name: 'policy',
  consumes: ['ExceptionTriaged'],
  reads: ['exception', 'triage', 'policy'],
  gather: (deps, event) => deps.activePack(event.tenantId),
  claims,
  decide,
};
