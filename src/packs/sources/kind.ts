import type { SourceKind, SourceRequest } from '../types.js';
import { alertmanager } from './alertmanager.js';
import { cloudevents } from './cloudevents.js';
import type { Kind } from './draft.js';
import { generic } from './generic.js';
import { github } from './github.js';
import { grafana } from './grafana.js';
import { json } from './json.js';
import { pagerduty } from './pagerduty.js';
import { sentry } from './sentry.js';

/** What each kind of source knows by itself; a pack's `map`, `fingerprint` and `resolve` come on top. */
export const KINDS: Readonly<Record<SourceKind, Kind>> = {
  generic,
  json,
  alertmanager,
  grafana,
  sentry,
  github,
  pagerduty,
  cloudevents,
};

/** The kinds that a pack may name. */
export const NAMED_KINDS = (Object.keys(KINDS) as SourceKind[]).filter((kind) => kind !== 'generic');

/** The kind that a request looks like, which another kind refused. */
export const looksLike = (request: SourceRequest, not: SourceKind): SourceKind | undefined =>
  NAMED_KINDS.find((kind) => kind !== not && KINDS[kind].looksLike(request)) ??
  (not !== 'generic' && KINDS.generic.looksLike(request) ? 'generic' : undefined);
