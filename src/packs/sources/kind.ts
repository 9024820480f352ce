import type { SourceKind } from '../types.js';
import { alertmanager } from './alertmanager.js';
import { cloudevents } from './cloudevents.js';
import type { Kind } from './draft.js';
import { generic } from './generic.js';
import { json } from './json.js';

/** What each kind of source knows by itself; a pack's `map`, `fingerprint` and `resolve` come on top. */
export const KINDS: Readonly<Record<SourceKind, Kind>> = { generic, json, alertmanager, cloudevents };
