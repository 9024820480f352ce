import { isObject, type JsonObject } from '../../core/json.js';
import { mismatch } from './draft.js';
import { at, firstAt, lacks, nothing, pickAt, type Reading, readingKind } from './reading.js';

const CALLED = 'a webhook of PagerDuty, version 3';

/** What says that an incident is there, and wants somebody. What its people do with it is their own. */
const WRONG = new Set([
  'incident.triggered',
  'incident.reopened',
  'incident.unacknowledged',
  'incident.escalated',
  'incident.priority_updated',
]);

const FIELDS = {
  incident: 'event.data.id',
  number: 'event.data.number',
  status: 'event.data.status',
  urgency: 'event.data.urgency',
  priority: 'event.data.priority.summary',
  service: 'event.data.service.summary',
  escalationPolicy: 'event.data.escalation_policy.summary',
  incidentKey: 'event.data.incident_key',
  url: 'event.data.html_url',
  event: 'event.event_type',
  eventId: 'event.id',
};

/** PagerDuty's webhook subscriptions: one incident, told by its own events. */
export const pagerduty = readingKind({
  name: 'pagerduty',
  called: CALLED,
  sample: {
    headers: {},
    body: {
      event: {
        id: '01CE7GK2QF7W',
        event_type: 'incident.triggered',
        resource_type: 'incident',
        occurred_at: '2026-01-05T09:30:00.000Z',
        data: {
          id: 'Q2AIXW2ZIMCI4P',
          type: 'incident',
          number: 4711,
          status: 'triggered',
          title: 'Payments are refused',
          urgency: 'high',
          service: { id: 'PSVC001', summary: 'payments', type: 'service_reference' },
        },
      },
    },
  },
  looksLike: ({ body }) => isObject(body) && isObject(body.event) && typeof body.event.event_type === 'string',
  itemOf: ({ body }) => {
    if (isObject(body) && typeof at(body, 'event.event_type') === 'string') return [body];
    return mismatch(CALLED, 'the body has no `event.event_type`', 'event.event_type');
  },
  read,
});

function read(item: JsonObject) {
  const type = String(at(item, 'event.event_type'));
  const isOver = type === 'incident.resolved';
  if (!isOver && !WRONG.has(type)) return nothing(`\`${type}\` tells of no new trouble`);
  if (typeof at(item, 'event.data.id') !== 'string') return lacks(`An event \`${type}\``, 'event.data');
  return {
    says: isOver ? 'over' : 'wrong',
    why: '',
    identity: [at(item, 'event.data.id')],
    draft: {
      type: 'incident',
      title: at(item, 'event.data.title'),
      severity: [at(item, 'event.data.priority.summary'), at(item, 'event.data.urgency')],
      entity: firstAt(item, 'event.data.service.summary', 'event.data.service.id'),
      occurredAt: at(item, 'event.occurred_at'),
      fields: pickAt(item, FIELDS),
    },
  } satisfies Reading;
}
