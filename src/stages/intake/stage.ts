import type { PackVersion, Stage } from '../contract.js';
import { CONSUMES, decide } from './decide.js';

export const intake: Stage<(typeof CONSUMES)[number], PackVersion> = {
  name: 'intake',
  consumes: CONSUMES,
  reads: ['exception', 'policy'],
  gather: (deps, { type, tenantId, data }) =>
    type === 'ExceptionIngested' ? deps.packVersion(tenantId, data.packVersion) : deps.activePack(tenantId),
  decide,
};
