/** What the webhooks of Alertmanager and Grafana have in common: a group of alerts, each with its labels. */

import { isObject, type JsonObject } from '../../core/json.js';
import type { Draft, Kind, RawItem } from './draft.js';
import { at } from './reading.js';
import { hashOf, parseLooseTime } from './values.js';

/** One item for each alert, the group's own keys under `group`. */
export function alertItems(body: JsonObject): readonly RawItem[] {
  const { alerts, ...group } = body;
  return (alerts as unknown[]).map((alert, index) => toItem(alert, group, `alerts[${index}]`));
}

function toItem(alert: unknown, group: JsonObject, path: string): RawItem {
  if (isObject(alert) && isObject(alert.labels)) return { path, item: { ...alert, group } };
  const message = 'An alert must be an object with `labels`.';
  const hint = 'Send the body as the sender made it.';
  return { path, item: alert, problems: [{ code: 'ITEM_INVALID', message, path, hint }] };
}

/**
 * Fields: every label by its name, and `labels`, `annotations`, `status`, `endsAt`, `generatorURL`, `group`, and any key
 * that a newer sender adds. Entity: the label `pod`, else `instance`, else `service`.
 */
export function alertDraft(item: unknown, sourceName: string): Draft {
  const { labels, annotations, startsAt, fingerprint: _, ...rest } = item as JsonObject;
  const named = labels as JsonObject; // alertItems has checked it
  const notes = isObject(annotations) ? annotations : {};
  const type = named.alertname ?? sourceName;
  return {
    type,
    title: notes.summary ?? notes.description ?? notes.message ?? type,
    severity: named.severity,
    entity: named.pod ?? named.instance ?? named.service,
    occurredAt: parseLooseTime(startsAt), // an unset time is year 1: then the time of arrival counts
    fields: { ...named, labels: named, annotations: notes, ...rest },
  };
}

/** The sender's own, else one of the sorted labels: those are the same when the alert is resolved. */
export function alertFingerprint(item: unknown): string | null {
  const { fingerprint, labels } = item as JsonObject;
  if (typeof fingerprint === 'string' && fingerprint !== '') return fingerprint;
  const pairs = Object.entries(labels as JsonObject).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? null : hashOf(...pairs.sort());
}

/** An alert that does not say has the state of its group. */
export const alertResolves: Kind['resolves'] = (item) =>
  ((item as JsonObject).status ?? at(item, 'group.status')) === 'resolved';
