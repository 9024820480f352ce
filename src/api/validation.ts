/** What zod found wrong with a query or a command, in the API's own codes. */
import type { ZodFastifySchemaValidationError } from 'fastify-type-provider-zod';
import { didYouMean, type Problem, quoted } from '../core/errors.js';

/** Where a value of the wrong form has a code of its own, whatever is wrong with it. */
const CODES: Readonly<Record<string, { readonly code: string; readonly hint: string }>> = {
  limit: { code: 'PARAM_RANGE', hint: 'A whole number within the limits that /docs names.' },
  after: { code: 'PARAM_RANGE', hint: 'The `seq` of an event, or leave it out.' },
  sort: { code: 'SORT_UNKNOWN', hint: 'Lists are sorted by `newest`.' },
  cursor: { code: 'CURSOR_INVALID', hint: 'Use the cursor as the last page gave it; leave it out to start again.' },
  since: { code: 'TIME_INVALID', hint: 'Use RFC 3339 between 2000 and 2100: 2026-11-20T10:00:00Z.' },
  until: { code: 'TIME_INVALID', hint: 'Use RFC 3339 between 2000 and 2100: 2026-11-20T10:00:00Z.' },
  status: { code: 'STATUS_UNKNOWN', hint: 'One or more of the statuses that /docs names.' },
  severity: { code: 'SEVERITY_UNKNOWN', hint: 'One or more of critical, high, medium, low, info.' },
  decision: { code: 'DECISION_UNKNOWN', hint: 'Send "approved" or "rejected".' },
};

/** What a route takes, for "did you mean". Kept by field name: the names mean the same everywhere. */
const NAMES = [...Object.keys(CODES), ...['source', 'type', 'category', 'q', 'by', 'comment', 'verbose']];

/** `context`: the part of the request, as fastify calls it: `querystring`, `body`, `params`, `headers`. */
export function problemsOfIssues(
  issues: readonly ZodFastifySchemaValidationError[],
  context: string,
): readonly [Problem, ...Problem[]] {
  const [first, ...rest] = issues.flatMap((issue) => problemsOfIssue(issue, context === 'body'));
  return [first ?? { code: 'REQUEST_INVALID', message: 'The request is not valid.' }, ...rest];
}

function problemsOfIssue(issue: ZodFastifySchemaValidationError, inBody: boolean): Problem[] {
  const { keys } = issue.params as { readonly keys?: readonly string[] };
  if (issue.keyword === 'unrecognized_keys' && keys) return keys.map((key) => unknown(key, inBody));
  const path = issue.instancePath.slice(1).replaceAll('/', '.');
  const message = issue.message ?? 'The value does not fit.';
  if (path === '') return [{ code: 'FIELD_TYPE', message, path: '(the document)', hint: 'Send a JSON object.' }];
  if (message.endsWith('received undefined')) {
    return [{ code: inBody ? 'FIELD_MISSING' : 'PARAM_MISSING', message: `\`${path}\` is missing.`, path }];
  }
  const known = CODES[path.split('.')[0] as string];
  if (inBody && message.includes('expected number, received')) {
    return [{ code: 'NUMBER_INVALID', message: `\`${path}\`: ${message}.`, path, hint: 'Send a JSON number.' }];
  }
  if (known) return [{ ...known, message: `\`${path}\`: ${message}.`, path }];
  return [{ code: inBody ? 'FIELD_TYPE' : 'PARAM_INVALID', message: `\`${path}\`: ${message}.`, path }];
}

function unknown(key: string, inBody: boolean): Problem {
  const meant = didYouMean(key, NAMES);
  return {
    code: inBody ? 'FIELD_UNKNOWN' : 'PARAM_UNKNOWN',
    message: `Unknown ${inBody ? 'field' : 'parameter'} ${quoted(key)}.`,
    path: key,
    hint: meant === undefined ? 'See /docs for what this route takes.' : `Did you mean \`${meant}\`?`,
  };
}
