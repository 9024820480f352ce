import { alertDraft, alertFingerprint, alertItems, alertResolves } from './alerts.js';
import { type Kind, mismatch } from './draft.js';
import { at } from './reading.js';
import { hashOf, isObject } from './values.js';

const CALLED = "the webhook of Grafana's alerting";

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
    isObject(body) && Array.isArray(body.alerts) && (typeof body.orgId === 'number' || body.version === '1'),
  split: (_pack, { body }) => {
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
