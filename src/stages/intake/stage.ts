import type { PackVersion, Stage } from '../contract.js';
import { decide } from './decide.js';

export const intake: Stage<'ExceptionIngested', PackVersion> = {
  name: 'intake',
  consumes: ['ExceptionIngested'],
  reads: ['exception'],
  gather: (deps, event) => deps.packVersion(event.tenantId, event.data.packVersion),
  decide,
};
