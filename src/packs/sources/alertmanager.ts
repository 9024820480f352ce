import type { Problem } from '../../core/errors.js';
import type { Draft, Kind, RawItem } from './draft.js';
import { boundedFingerprint, hashOf, isObject, type JsonObject, parseLooseTime } from './values.js';

/**
 * The webhook of Prometheus Alertmanager, version 4: one item for each alert, the group's own keys under `group`.
 * Fields: every label by its name, and `labels`, `annotations`, `status`, `endsAt`, `generatorURL`, `group`, and any key
 * that a newer Alertmanager adds. Entity: the label `pod`, else `instance`, else `service`.
 */
export const alertmanager: Kind = {
  split: (_pack, { body }) => {
    if (!isObject(body) || !Array.isArray(body.alerts)) return mismatch('the body has no list `alerts`', 'alerts');
    if (body.version !== undefined && body.version !== '4') return mismatch('the version is not "4"', 'version');
    const { alerts, ...group } = body;
    return (alerts as unknown[]).map((alert, index) => toItem(alert, group, `alerts[${index}]`));
  },
  draft: (item, sourceName): Draft => {
    const { labels, annotations, startsAt, fingerprint: _, ...rest } = item as JsonObject;
    const named = labels as JsonObject; // split has checked it
    const notes = isObject(annotations) ? annotations : {};
    const type = named.alertname ?? sourceName;
    return {
      type,
      title: notes.summary ?? notes.description ?? type,
      severity: named.severity,
      entity: named.pod ?? named.instance ?? named.service,
      occurredAt: parseLooseTime(startsAt), // Alertmanager's zero time is year 1: then the time of arrival counts
      fields: { ...named, labels: named, annotations: notes, ...rest },
    };
  },
  fingerprint: (item) => {
    const { fingerprint, labels } = item as JsonObject;
    if (typeof fingerprint === 'string' && fingerprint !== '') return boundedFingerprint(fingerprint);
    const pairs = Object.entries(labels as JsonObject).map(([key, value]) => `${key}=${String(value)}`);
    return pairs.length === 0 ? null : hashOf(...pairs.sort());
  },
  resolves: (item) => (item as JsonObject).status === 'resolved',
};

const mismatch = (what: string, path: string): Problem => ({
  code: 'SOURCE_MISMATCH',
  message: `This source takes the webhook of Alertmanager, version 4, but ${what}.`,
  path,
  hint: 'Send other JSON to a source of kind `json`, or to POST /exceptions/{tenant}.',
});

function toItem(alert: unknown, group: JsonObject, path: string): RawItem {
  if (isObject(alert) && isObject(alert.labels)) return { path, item: { ...alert, group } };
  const message = 'An alert must be an object with `labels`.';
  return { path, item: alert, problems: [{ code: 'ITEM_INVALID', message, path }] };
}
