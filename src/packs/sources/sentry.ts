import { isObject, type JsonObject } from '../../core/json.js';
import type { SourceRequest } from '../types.js';
import { mismatch } from './draft.js';
import { at, firstAt, lacks, nothing, pickAt, type Reading, readingKind } from './reading.js';

const CALLED = 'a webhook of Sentry';
const HEADER = 'sentry-hook-resource';

/** What each resource is about, as a path; those that are not here tell of no exception. */
const ABOUT: Readonly<Record<string, string>> = {
  event_alert: 'data.event',
  error: 'data.error',
  issue: 'data.issue',
  metric_alert: 'data.metric_alert',
};

/** What an action says; an event_alert and an error always say that something went wrong. */
const SAYS: Readonly<Record<string, Reading['says']>> = {
  created: 'wrong',
  unresolved: 'wrong',
  triggered: 'wrong',
  critical: 'wrong',
  warning: 'wrong',
  resolved: 'over',
  archived: 'over',
  ignored: 'over', // what `archived` was called before
};

/** Webhooks of Sentry's integration platform. An alert, its errors and its issue are one exception: the issue. */
export const sentry = readingKind({
  name: 'sentry',
  called: CALLED,
  sample: {
    headers: { [HEADER]: 'issue' },
    body: {
      action: 'created',
      data: {
        issue: {
          id: '4821907533',
          shortId: 'CHECKOUT-3K',
          title: 'TypeError: cart is undefined',
          culprit: 'pay(cart)',
          level: 'error',
          firstSeen: '2026-01-05T09:30:00.000Z',
          lastSeen: '2026-01-05T09:30:00.000Z',
          project: { id: '17', slug: 'checkout' },
          metadata: { type: 'TypeError', value: 'cart is undefined' },
        },
      },
    },
  },
  looksLike: ({ headers, body }) => resourceOf({ headers, body }) !== undefined,
  itemOf: ({ headers, body }) => {
    const resource = resourceOf({ headers, body });
    if (isObject(body) && resource !== undefined) return [{ resource, ...body }];
    return mismatch(CALLED, 'there is no header `Sentry-Hook-Resource`', HEADER);
  },
  read,
});

/** Without the header (a file, a queue in between) the body says what it is about. */
function resourceOf({ headers, body }: Pick<SourceRequest, 'headers' | 'body'>): string | undefined {
  if (!isObject(body) || typeof body.action !== 'string' || !isObject(body.data)) return headers[HEADER];
  return headers[HEADER] ?? Object.keys(ABOUT).find((name) => isObject(at(body, String(ABOUT[name]))));
}

function read(item: JsonObject) {
  const resource = String(item.resource);
  const path = Object.hasOwn(ABOUT, resource) ? ABOUT[resource] : undefined;
  if (path === undefined) return nothing(`the resource \`${resource}\` tells of no exception`);
  const action = String(item.action);
  const says = Object.hasOwn(SAYS, action) ? SAYS[action] : undefined;
  if (says === undefined) return nothing(`\`${resource} ${action}\` tells of no new trouble`);
  const about = at(item, path);
  if (!isObject(about)) return lacks(`A webhook of the resource \`${resource}\``, path);
  const draft = resource === 'metric_alert' ? metricAlert(item, about) : error(item, about);
  const identity =
    resource === 'metric_alert' ? ['metric_alert', at(about, 'id')] : ['issue', issueId(resource, about)];
  return { says, why: '', identity, draft } satisfies Reading;
}

/** The issue's id; of an event that came without it, from the address of its issue. */
function issueId(resource: string, about: JsonObject): unknown {
  if (resource === 'issue') return about.id;
  return about.issue_id ?? /\/issues\/([^/]+)/.exec(String(about.issue_url))?.[1] ?? about.event_id;
}

function error(item: JsonObject, about: JsonObject) {
  const project = firstAt(about, 'project.slug') ?? /\/projects\/[^/]+\/([^/]+)/.exec(String(about.url))?.[1];
  return {
    type: firstAt(about, 'metadata.type', 'type') ?? 'error',
    title: firstAt(about, 'title', 'message', 'culprit'),
    severity: about.level,
    entity: project ?? firstAt(about, 'project'),
    occurredAt: firstAt(about, 'lastSeen', 'datetime'),
    fields: {
      ...pickAt(about, {
        culprit: 'culprit',
        level: 'level',
        platform: 'platform',
        release: 'release',
        environment: 'environment',
        metadata: 'metadata',
        status: 'status',
        substatus: 'substatus',
        count: 'count',
        users: 'userCount',
        issue: 'shortId',
        eventId: 'event_id',
      }),
      ...(Array.isArray(about.tags) && { tags: tagsOf(about.tags) }),
      ...tail(item, about),
    },
  };
}

/** Sentry sends tags as pairs. */
const tagsOf = (tags: readonly unknown[]): JsonObject =>
  Object.fromEntries(tags.filter((tag) => Array.isArray(tag)).map((tag) => [String(tag[0]), tag[1]]));

const metricAlert = (item: JsonObject, about: JsonObject) => ({
  type: 'metric_alert',
  title: firstAt(item, 'data.description_title', 'data.metric_alert.alert_rule.name', 'data.metric_alert.title'),
  severity: item.action,
  entity: firstProject(about) ?? at(about, 'alert_rule.name'),
  occurredAt: firstAt(about, 'date_started', 'date_created'),
  fields: {
    ...pickAt(about, { alertRule: 'alert_rule.name', query: 'alert_rule.query', aggregate: 'alert_rule.aggregate' }),
    ...pickAt(item, { description: 'data.description_text', projects: 'data.metric_alert.projects' }),
    ...tail(item, about),
  },
});

const firstProject = ({ projects }: JsonObject): unknown => (Array.isArray(projects) ? projects[0] : undefined);

const tail = (item: JsonObject, about: JsonObject): JsonObject => ({
  ...pickAt(item, { resource: 'resource', action: 'action', rule: 'data.triggered_rule' }),
  ...pickAt({ url: firstAt(about, 'web_url', 'permalink') ?? at(item, 'data.web_url') }, { url: 'url' }),
});
