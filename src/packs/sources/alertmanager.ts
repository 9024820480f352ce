import { isObject } from '../../core/json.js';
import { alertDraft, alertFingerprint, alertItems, alertResolves } from './alerts.js';
import { type Kind, mismatch } from './draft.js';
import { boundedFingerprint } from './values.js';

const CALLED = 'the webhook of Alertmanager, version 4';

/** The webhook of Prometheus Alertmanager, version 4. */
export const alertmanager: Kind = {
  called: CALLED,
  sample: {
    headers: {},
    body: {
      version: '4',
      status: 'firing',
      receiver: 'millrace',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'PodCrashLooping', severity: 'warning', namespace: 'shop', pod: 'cart-7d9f' },
          annotations: { summary: 'cart-7d9f restarts again and again' },
          startsAt: '2026-01-05T09:30:00Z',
          endsAt: '0001-01-01T00:00:00Z',
          fingerprint: '6a5c1e0f9d3b7a42',
        },
      ],
    },
  },
  looksLike: ({ body }) => isObject(body) && Array.isArray(body.alerts) && body.version === '4',
  split: (_pack, { body }) => {
    if (!isObject(body) || !Array.isArray(body.alerts))
      return mismatch(CALLED, 'the body has no list `alerts`', 'alerts');
    if (body.version !== undefined && body.version !== '4')
      return mismatch(CALLED, 'the version is not "4"', 'version');
    return alertItems(body);
  },
  draft: alertDraft,
  fingerprint: (item) => {
    const own = alertFingerprint(item);
    return own === null ? null : boundedFingerprint(own);
  },
  resolves: alertResolves,
};
