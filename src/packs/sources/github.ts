import { isObject } from '../../core/json.js';
import { mismatch } from './draft.js';
import { readGithub } from './github-events.js';
import { readingKind } from './reading.js';

const CALLED = 'a webhook of GitHub';
const HEADER = 'x-github-event';

/** Events that are known by an object of their own, for requests that come without the header. */
const BY_KEY = [
  'workflow_job',
  'workflow_run',
  'check_run',
  'check_suite',
  'deployment_status',
  'issue_comment',
  'issue',
  'pull_request',
] as const;

/** Webhooks of GitHub, the event by the header `X-GitHub-Event`; it is kept with the body under `event`. */
export const github = readingKind({
  name: 'github',
  called: CALLED,
  sample: {
    headers: { [HEADER]: 'workflow_run' },
    body: {
      action: 'completed',
      workflow_run: {
        id: 900001,
        name: 'Release',
        workflow_id: 77,
        head_branch: 'main',
        conclusion: 'failure',
        html_url: 'https://github.com/acme/shop/actions/runs/900001',
        updated_at: '2026-01-05T09:30:00Z',
      },
      repository: { id: 5, full_name: 'acme/shop' },
    },
  },
  looksLike: ({ headers, body }) =>
    headers[HEADER] !== undefined || (isObject(body) && isObject(body.repository) && isObject(body.sender)),
  itemOf: ({ headers, body }) => {
    const event = headers[HEADER] ?? (isObject(body) ? eventOf(body) : undefined);
    if (isObject(body) && event !== undefined) return [{ event, ...body }];
    return mismatch(CALLED, 'there is no header `X-GitHub-Event`', HEADER);
  },
  read: readGithub,
});

function eventOf(body: Readonly<Record<string, unknown>>): string | undefined {
  const found = BY_KEY.find((key) => isObject(body[key]));
  return found === 'issue' ? 'issues' : found;
}
