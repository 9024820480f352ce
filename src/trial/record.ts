/** A case of the past as a test of its pack: the request it came by, what tools and people answered, what was decided. */
import { parse } from 'yaml';
import { ProblemError } from '../core/errors.js';
import type { EventData } from '../core/events.js';
import type { CompiledPack } from '../packs/index.js';
import type { ToldEvent } from './explained.js';
import { walk } from './walk.js';

export interface RecordedTest {
  readonly name: string;
  readonly source: string;
  readonly input: unknown; // the body of a request
  readonly now: string; // RFC 3339
  readonly given: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** `expect` is what this pack decides; the caller sees where that differs from the past. Throws RECORD_UNREADABLE. */
export function recordedTest(
  pack: CompiledPack,
  files: ReadonlyMap<string, string>,
  events: readonly ToldEvent[],
  asName?: string,
): RecordedTest {
  const report = events.find((event) => event.type === 'ExceptionIngested');
  if (report?.type !== 'ExceptionIngested') throw unreadable('it has no report');
  const { source, receivedAt: now } = report.data;
  const given = givenBy(events);
  for (const input of requestsOf(files, report.data)) {
    const { cases, problems } = walk(pack, { body: input, source, now: Date.parse(now) });
    const [walked] = cases;
    if (problems.length > 0 || cases.length !== 1 || walked?.exception == null) continue;
    const known = Object.fromEntries(Object.entries(given).filter(([key]) => isKnown(pack, key)));
    const [full = walked] = walk(pack, { body: input, source, now: Date.parse(now) }, known).cases;
    const name = asName ?? nameOf(full.exception?.type ?? 'case', full.exception?.entity ?? null);
    return { name, source, input, now, given: known, expect: expectOf(full) };
  }
  throw unreadable(`no request of source ${source} could be made of its item`);
}

function expectOf({
  triage,
  policy,
  playbook,
  steps,
}: ReturnType<typeof walk>['cases'][number]): Record<string, unknown> {
  const ran = steps.filter(({ status }) => status !== 'skipped').map(({ id }) => id);
  return {
    ...(triage !== null && { triage: { category: triage.category, severity: triage.severity } }),
    ...(policy !== null && { policy: { effect: policy.effect } }),
    ...(playbook !== null && { playbook }),
    ...(ran.length > 0 && { steps: ran }),
  };
}

/** The bodies that may have carried the item: itself, or a list of it under the name that the source splits by. */
function* requestsOf(files: ReadonlyMap<string, string>, { source, item, body }: EventData['ExceptionIngested']) {
  const rest = typeof body === 'object' && body !== null ? body : {};
  const written = parse(files.get('sources.yaml') ?? '') as {
    readonly sources?: Readonly<Record<string, object>>;
  } | null;
  const definition = (written?.sources?.[source] ?? {}) as { readonly split?: unknown; readonly kind?: unknown };
  const member = /body\.([A-Za-z_]\w*)/.exec(String(definition.split ?? ''))?.[1];
  if (member !== undefined) yield { ...rest, [member]: [item] };
  if (definition.kind === 'alertmanager') yield { version: '4', status: 'firing', alerts: [item], ...rest };
  yield item;
  yield body;
}

function givenBy(events: readonly ToldEvent[]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const { type, data } of events) {
    if (type === 'ToolFinished' && data.status === 'succeeded') given[`steps.${data.step}`] = data.result ?? {};
    if (type === 'ToolFinished' && data.error !== undefined) {
      const { code, message } = data.error;
      given[`steps.${data.step}.error`] = { code, message };
    }
    if (type === 'WaitResolved') {
      const { step, decision, by, comment } = data;
      given[step === 'policy-gate' ? 'policy' : `steps.${step}`] = {
        decision,
        by,
        ...(comment !== null && { comment }),
      };
    }
  }
  return given;
}

const isKnown = (pack: CompiledPack, key: string): boolean =>
  key === 'policy' ||
  pack.playbooks.some(({ steps }) => steps.some(({ id }) => key === `steps.${id}` || key === `steps.${id}.error`));

const nameOf = (type: string, entity: string | null): string =>
  [type, entity ?? '']
    .join(' ')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'case';

const unreadable = (why: string): ProblemError =>
  new ProblemError({
    code: 'RECORD_UNREADABLE',
    message: `The exception cannot be made a test: ${why}.`,
    hint: 'Write the request down by hand, and simulate it with --input.',
  });
