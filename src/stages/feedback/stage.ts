import type { Stage } from '../contract.js';
import { decide } from './decide.js';

export const feedback: Stage<'PlaybookFinished' | 'CaseEscalated' | 'CaseSuppressed', null> = {
  name: 'feedback',
  consumes: ['PlaybookFinished', 'CaseEscalated', 'CaseSuppressed'],
  reads: ['triage', 'policy', 'feedback'],
  gather: () => null,
  decide,
};
