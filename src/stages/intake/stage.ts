import type { PackVersion, Stage } from '../contract.js';
import { decide } from './decide.js';

export const intake: Stage<'ExceptionIngested' | 'AccumulationElapsed', PackVersion> = {
  name: 'intake',
  consumes: ['ExceptionIngested', 'AccumulationElapsed'],
  reads: ['exception', 'policy'],
  gather: (deps, { type, tenantId, data }) =>
    type === 'ExceptionIngested' ? deps.packVersion(tenantId, data.packVersion) : deps.activePack(tenantId),
  decide,
};
