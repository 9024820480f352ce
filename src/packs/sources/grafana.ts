import { isObject, type JsonObject } from '../../core/json.js';
import { alertDraft, alertFingerprint, alertItems, alertResolves } from './alerts.js';
import { type Kind, mismatch, type RawItem } from './draft.js';
import { at } from './reading.js';
import { hashOf } from './values.js';

const CALLED = "the webhook of Grafana's alerting";

/** What a rule of the alerting before Grafana 9 may say, and whether it is one of Alertmanager's two states. */
const OLD_STATES: Readonly<Record<string, string>> = { alerting: 'firing', no_data: 'firing', ok: 'resolved' };

const isOld = (body: unknown): body is JsonObject =>
  isObject(body) && body.alerts === undefined && typeof body.ruleName === 'string' && typeof body.state === 'string';

/** A rule's own request as an alert: its tags are the labels, and what it is about is the rule, whatever its tags. */
function oldItem(body: JsonObject): RawItem {
  const { orgId, ruleId, ruleName, state, tags, message, title, ...rest } = body;
  const labels = { ...(isObject(tags) && tags), alertname: ruleName };
  const summary = message === '' ? title : (message ?? title);
  const status = Object.hasOwn(OLD_STATES, String(state)) ? OLD_STATES[String(state)] : undefined;
  const item = {
    ...rest,
    ruleId,
    state,
    status,
    labels,
    annotations: { summary },
    group: { orgId },
    fingerprint: `rule ${String(ruleId)}`,
  };
  const why = `a rule that is \`${String(state)}\` tells of no new trouble`;
  return { path: '(the document)', item, ...(status === undefined && { ignored: why }) };
}

/** The webhook contact point of Grafana's unified alerting. Two organisations may have alerts with the same labels. */
export const grafana: Kind = {
  called: CALLED,
  sample: {
    headers: {},
    body: {
      version: '1',
      status: 'firing',
      receiver: 'millrace',
      orgId: 1,
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'Checkout is slow', severity: 'high', service: 'checkout' },
          annotations: { summary: 'The slowest of a hundred payments takes more than three seconds' },
          startsAt: '2026-01-05T09:30:00Z',
          endsAt: '0001-01-01T00:00:00Z',
          fingerprint: '0b7d2c9a4e8f1635',
          values: { A: 3.4 },
        },
      ],
    },
  },
  looksLike: ({ body }) =>
    isOld(body) ||
    (isObject(body) && Array.isArray(body.alerts) && (typeof body.orgId === 'number' || body.version === '1')),
  split: (_pack, { body }) => {
    if (isOld(body)) return [oldItem(body)];
    if (!isObject(body) || !Array.isArray(body.alerts))
      return mismatch(CALLED, 'the body has no list `alerts`', 'alerts');
    if (body.version === '4') return mismatch(CALLED, 'the version is "4"', 'version');
    return alertItems(body);
  },
  draft: alertDraft,
  fingerprint: (item) => {
    const own = alertFingerprint(item);
    return own === null ? null : hashOf('grafana', String(at(item, 'group.orgId')), own);
  },
  resolves: alertResolves,
};
