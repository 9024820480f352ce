import type { Stage } from '../contract.js';
import { decide } from './decide.js';

export const tool: Stage<'ToolRequested' | 'ToolCanceled', null> = {
  name: 'tool',
  consumes: ['ToolRequested', 'ToolCanceled'],
  reads: [],
  gather: () => null,
  decide,
};
