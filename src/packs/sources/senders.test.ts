/** What real senders send, through their kinds: see `fixtures/README.md` for where each form is documented. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NormalizedException } from '../../core/records.js';
import { packOf } from '../../testing/packs.js';
import { normalizeItem, splitSource } from '../index.js';
import type { SourceItem } from '../types.js';
import { KINDS, NAMED_KINDS } from './kind.js';

const AT = '2026-06-01T10:00:00.000Z';
const pack = packOf({
  'sources.yaml': `sources:\n${NAMED_KINDS.map((kind) => `  ${kind}: { kind: ${kind} }\n`).join('')}`,
});
type Headers = Readonly<Record<string, string>>;
const split = (kind: string, body: unknown, headers: Headers = {}) =>
  splitSource(pack, kind, { body, headers, receivedAt: AT });
const normalize = (kind: string, item: SourceItem) =>
  normalizeItem(pack, kind, { ...item, fingerprint: item.fingerprint ?? 'own' }, AT);

interface Fixture {
  readonly name: string;
  readonly origin?: string; // of one that its sender or another wrote: where it is documented
  readonly headers: Headers;
  readonly body: unknown;
  readonly expect: readonly (Partial<NormalizedException> & { readonly resolve?: boolean })[];
  readonly ignored?: string;
  readonly sameAs?: number; // which request of this file it is merged with
  readonly endsReport?: number; // which one it ends
}
const fixturesOf = (kind: string): readonly Fixture[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, `fixtures/${kind}.json`), 'utf8')) as readonly Fixture[];

describe.each(['alertmanager', 'grafana', 'sentry', 'pagerduty', 'cloudevents'])('what %s sends', (kind) => {
  const fixtures = fixturesOf(kind);

  it.each(fixtures)('$name', ({ headers, body, expect: expected, ignored, sameAs, endsReport }) => {
    const { items, problems, ignored: left } = split(kind, body, headers);
    expect(problems).toEqual([]);
    expect(left.map(({ reason }) => reason)).toEqual(ignored === undefined ? [] : [ignored]);
    const found = items.map((item) => ({ ...normalize(kind, item), resolve: item.resolve }));
    expect(found).toMatchObject(expected.map((one) => ({ resolve: false, ...one })));
    const other = sameAs ?? endsReport;
    if (other === undefined) return;
    const { headers: otherHeaders, body: otherBody } = fixtures[other] as Fixture;
    expect(items[0]?.fingerprint).toBe(split(kind, otherBody, otherHeaders).items[0]?.fingerprint);
  });

  it('no two of its reports that are about different things have one fingerprint', () => {
    const apart = fixtures.filter(({ sameAs, endsReport }) => sameAs === undefined && endsReport === undefined);
    const prints = apart.flatMap(({ body, headers }) =>
      split(kind, body, headers).items.map((item) => item.fingerprint),
    );
    expect(prints.length).toBeGreaterThan(1 - Number(kind === 'pagerduty'));
    expect(new Set(prints).size).toBe(prints.length);
  });
});

interface Examples {
  readonly name: string;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}
const github = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly Examples[];
const examplesOf = (event: string) => github.find(({ name }) => name === event)?.examples ?? [];

describe("GitHub's own example webhooks", () => {
  it('each of them is a report, an end, or said to be no exception; none is an error', () => {
    const counts = { wrong: 0, over: 0, ignored: 0 };
    for (const { name, examples } of github) {
      for (const body of examples) {
        const { items, problems, ignored } = split('github', body, { 'x-github-event': name });
        expect(problems, `${name} ${String(body.action)}`).toEqual([]);
        expect(items.length + ignored.length).toBe(1);
        const [item] = items;
        if (item === undefined) counts.ignored++;
        else counts[item.resolve ? 'over' : 'wrong']++;
        if (item !== undefined) expect(normalize('github', item)).toMatchObject({ type: name, source: 'github' });
      }
    }
    expect(counts.wrong).toBeGreaterThan(10);
    expect(counts.over).toBeGreaterThan(10);
    expect(counts.ignored).toBeGreaterThan(200);
  });

  const run = (conclusion: string | null, extra: object = {}) => {
    const [example] = examplesOf('workflow_run').filter((one) => one.action === 'completed');
    const workflow_run = { ...(example?.workflow_run as object), conclusion, head_branch: 'main', ...extra };
    return split('github', { ...example, workflow_run }, { 'x-github-event': 'workflow_run' });
  };

  it('a failed run is an exception, and the next run of that branch that succeeds ends it', () => {
    const [failed] = run('failure', { id: 1, run_number: 1 }).items;
    const [succeeded] = run('success', { id: 2, run_number: 2 }).items;
    const [elsewhere] = run('success', { head_branch: 'other' }).items;
    expect(failed).toMatchObject({ resolve: false });
    expect(succeeded).toMatchObject({ resolve: true, fingerprint: failed?.fingerprint });
    expect(elsewhere?.fingerprint).not.toBe(failed?.fingerprint);
    expect(normalize('github', failed as SourceItem)).toMatchObject({ type: 'workflow_run', severity: 'high' });
    expect(run('cancelled').ignored).toEqual([
      { path: '(the document)', reason: '`workflow_run` with `cancelled` is no exception' },
    ]);
  });

  it('a run without a branch is known by its commit', () => {
    const prints = ['abc', 'def', 'abc'].map((head_sha) => run('failure', { head_branch: null, head_sha }).items[0]);
    expect(prints[0]?.fingerprint).toBe(prints[2]?.fingerprint);
    expect(prints[0]?.fingerprint).not.toBe(prints[1]?.fingerprint);
  });

  it.each([
    ['issues', 'opened', { severity: 'high', type: 'issues' }],
    ['dependabot_alert', 'created', { severity: 'medium' }],
    ['code_scanning_alert', 'created', { severity: 'high' }],
    ['check_run', 'completed', { severity: 'high' }],
  ])('%s %s', (event, action, expected) => {
    const example = examplesOf(event).find((one) => one.action === action);
    const labels = [{ name: 'nice to have' }, { name: 'major' }, {}];
    const issue = { ...(example?.issue as object), labels };
    const body = { ...example, ...(event === 'issues' && { issue }) };
    const [item] = split('github', body, { 'x-github-event': event }).items;
    expect(normalize('github', item as SourceItem)).toMatchObject(expected);
  });

  it.each([
    ['commit status', 'status', { state: 'failure', context: 'ci', commit: {}, branches: [], sha: 'a' }, 'ci: failure'],
    [
      'deployment',
      'deployment_status',
      { deployment_status: { state: 'error', environment: 'live' } },
      'Deployment to live: error',
    ],
    [
      'leaked secret',
      'secret_scanning_alert',
      { action: 'created', alert: { number: 1, secret_type: 'some_key' } },
      'some_key',
    ],
    ['issue without labels', 'issues', { action: 'opened', issue: { number: 1, title: 'it' } }, 'it'],
  ])('a %s', (_, event, body, title) => {
    const [item] = split('github', body, { 'x-github-event': event }).items;
    expect(normalize('github', item as SourceItem)).toMatchObject({ type: event, title });
  });

  it('an event that lacks what it is about is refused with the place', () => {
    const { problems } = split('github', { action: 'completed' }, { 'x-github-event': 'workflow_run' });
    expect(problems).toMatchObject([{ code: 'ITEM_INVALID', path: 'workflow_run' }]);
  });

  it.each(['workflow_run', 'check_run', 'issues', 'deployment_status'])(
    'without the header, %s is known by its body',
    (event) => {
      const body = examplesOf(event)[0];
      const { items, ignored } = split('github', body);
      const named = split('github', body, { 'x-github-event': event });
      expect(items.map(({ fingerprint }) => fingerprint)).toEqual(named.items.map(({ fingerprint }) => fingerprint));
      expect(ignored).toEqual(named.ignored);
    },
  );
});

describe('a vendor that leaves something out', () => {
  it.each([
    ['sentry', { action: 'created', data: {} }, { 'sentry-hook-resource': 'issue' }, 'data.issue'],
    ['pagerduty', { event: { event_type: 'incident.triggered', data: 5 } }, {}, 'event.data'],
  ])('%s', (kind, body, headers, path) => {
    expect(split(kind, body, headers).problems).toMatchObject([{ code: 'ITEM_INVALID', path }]);
  });
  it('an alert of Grafana without labels has nothing that identifies it', () => {
    const { items } = split('grafana', { orgId: 1, alerts: [{ status: 'firing', labels: {} }] });
    expect(items[0]?.fingerprint).toBeNull();
  });
  it('an alert that does not say its status has that of its group', () => {
    const alerts = [{ labels: { alertname: 'a' } }, { labels: { alertname: 'b' }, status: 'firing' }];
    const { items } = split('alertmanager', { version: '4', status: 'resolved', alerts });
    expect(items.map(({ resolve }) => resolve)).toEqual([true, false]);
  });
  it("a rule of Grafana's older alerting is over with `ok`, and says nothing while it is paused or pending", () => {
    const rule = (state: string, extra: object = {}) =>
      split('grafana', { orgId: 1, ruleId: 7, ruleName: 'slow', title: '[x] slow', message: '', state, ...extra });
    const [wrong] = rule('no_data', { tags: { severity: 'critical', alertname: 'mine' } }).items;
    expect(normalize('grafana', wrong as SourceItem)).toMatchObject({
      ...{ type: 'slow', title: '[x] slow', severity: 'critical' },
    });
    expect(rule('ok').items).toMatchObject([{ resolve: true, fingerprint: wrong?.fingerprint }]);
    expect(rule('ok', { ruleId: 8 }).items[0]?.fingerprint).not.toBe(wrong?.fingerprint);
    expect(rule('ok', { orgId: 2 }).items[0]?.fingerprint).not.toBe(wrong?.fingerprint);
    expect(rule('paused').ignored).toMatchObject([{ reason: 'a rule that is `paused` tells of no new trouble' }]);
    const untold = rule('alerting', { message: undefined }).items[0] as SourceItem;
    expect(normalize('grafana', untold)).toMatchObject({ title: '[x] slow' });
    const elsewhere = split('alertmanager', { ruleName: 'slow', state: 'ok' }).problems;
    expect(elsewhere[0]?.hint).toContain("the webhook of Grafana's alerting");
  });
  it('an error of Sentry without an issue is known by its event', () => {
    const error = (event_id: string) =>
      split('sentry', { action: 'created', data: { error: { event_id } } }).items[0]?.fingerprint;
    expect(error('a')).toBe(error('a'));
    expect(error('a')).not.toBe(error('b'));
  });
  it('an alert of a metric without projects is about its rule', () => {
    const metric_alert = { id: 1, alert_rule: { name: 'slow' }, projects: null };
    const [item] = split('sentry', { action: 'warning', data: { metric_alert } }).items;
    expect(normalize('sentry', item as SourceItem)).toMatchObject({
      entity: 'slow',
      title: 'slow',
      severity: 'medium',
    });
  });
});

describe('the sample of each kind', () => {
  it.each(NAMED_KINDS)('%s takes its own as an exception, and no other vendor takes it', (kind) => {
    const { sample } = KINDS[kind];
    const [item] = split(kind, sample.body, sample.headers).items;
    expect(normalize(kind, item as SourceItem)).toMatchObject({ source: kind, severity: expect.any(String) as string });
    const others = NAMED_KINDS.filter((other) => other !== kind && other !== 'json');
    for (const other of others) {
      const { problems } = split(other, sample.body, sample.headers);
      const hint = kind === 'json' ? 'POST /exceptions/{tenant}' : `POST /hooks/{tenant}/${kind}`;
      expect(problems, other).toMatchObject([{ code: 'SOURCE_MISMATCH' }]);
      expect(problems[0]?.hint, `${kind} at ${other}`).toContain(hint);
    }
  });
});
