/** The answers that every route may give beside its own, for the OpenAPI document. */
import { ProblemDocument } from '../problems.js';

const content = { 'application/problem+json': { schema: ProblemDocument } };

export const PROBLEMS = {
  '4xx': {
    description: 'Refused: the problem says what is wrong and what to do about it; 429 with Retry-After.',
    content,
  },
  '5xx': { description: 'Not done, nothing was kept; with Retry-After where it is worth trying again.', content },
} as const;
