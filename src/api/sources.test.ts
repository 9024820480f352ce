/** The list of sources: each command that it gives is run as a person would run it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServedApi, serveApi } from '../testing/api.js';
import { millrace } from '../testing/cli.js';
import type { SourceInfo } from './schemas.js';

const SECRET = 'c2VjcmV0LW9mLXRoZS1kZXNr';
let served: ServedApi;
let sources: readonly SourceInfo[];
beforeAll(async () => {
  served = await serveApi({
    deps: { resolveSecret: () => SECRET },
    files: {
      'pack.yaml': 'name: acme\n',
      'sources.yaml': `sources:
  alerts: { kind: alertmanager, verify: { token: secret://s } }
  board: { kind: grafana, verify: { grafana: secret://s } }
  errors: { kind: sentry, verify: { sentry: secret://s } }
  hub: { kind: github, verify: { github: secret://s } }
  pager: { kind: pagerduty, verify: { pagerduty: secret://s } }
  events: { kind: cloudevents, verify: { token: { secret: secret://s, header: X-Token } } }
  trades:
    kind: json
    split: "\${{ body.breaks }}"
    map: { type: "\${{ item.failType }}", title: "It's \${{ item.tradeId }}", occurredAt: "\${{ item.at }}" }
    verify: { standardWebhooks: secret://s }
  desk: { kind: json }
  river: { kind: kafka, topic: breaks, as: desk }
`,
      'policies.yaml': 'default: { effect: deny, reason: none }\n',
    },
  });
  sources = (await served.get(`/sources/${served.tenantId}`)).json<{ sources: SourceInfo[] }>().sources;
});
afterAll(() => served?.close());

const NAMES = ['generic', 'alerts', 'board', 'errors', 'hub', 'pager', 'events', 'trades', 'desk'];

describe('the sources of a pack', () => {
  it('are listed with what to paste at the sender, and how the sender is known', () => {
    expect(sources.map(({ name }) => name).sort()).toEqual([...NAMES, 'river'].sort());
    const base = `http://127.0.0.1:${served.port}`;
    expect(sources.find(({ name }) => name === 'hub')).toMatchObject({
      kind: 'github',
      verified: 'github',
      url: `${base}/hooks/${served.tenantId}/hub`,
    });
    expect(sources.find(({ name }) => name === 'generic')?.url).toBe(`${base}/exceptions/${served.tenantId}`);
    expect(sources.find(({ name }) => name === 'river')).toMatchObject({ topic: 'breaks', url: null, curl: null });
  });

  it.each(NAMES)('the command for %s works', async (name) => {
    const curl = sources.find((source) => source.name === name)?.curl ?? '';
    const { stdout } = await promisify(execFile)('bash', ['-c', `SECRET=${SECRET}; ${curl} -s`]);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'created', status: 'OPEN' });
  });

  it('`millrace sources` prints them', async () => {
    const url = `http://127.0.0.1:${served.port}`;
    const { code, out } = await millrace(['sources', served.tenantId, '--url', url]);
    expect(code).toBe(0);
    expect(out).toContain(`pager  pagerduty  verified by pagerduty  ${url}/hooks/${served.tenantId}/pager`);
    expect(out).toContain('openssl');
    expect(out).toContain('river  json  topic breaks');
    const { json } = await millrace(['sources', served.tenantId, '--url', url, '--json']);
    expect(json()).toMatchObject({ tenant: served.tenantId });
  });
});

/** What no sender may send, whatever the source: told with a code, a place and what to do. */
const BAD = [
  ['a key that changes prototypes', '{"__proto__":{"admin":true}}', 'KEY_FORBIDDEN'],
  ['a constructor', '{"data":{"constructor":{"prototype":{}}}}', 'KEY_FORBIDDEN'],
  ['a NUL', '{"type":"a\\u0000b"}', 'TEXT_NUL'],
  ['half a character', '{"type":"\\ud800"}', 'TEXT_INVALID_UNICODE'],
  ['a number that is too large', '{"amount":1e400}', 'NUMBER_INVALID'],
  ['a number that is none', '{"amount":NaN}', 'NUMBER_INVALID'],
  ['an id that would be rounded', '{"id":9007199254740993}', 'ID_MUST_BE_STRING'],
  ['the same key twice', '{"a":1,"a":2}', 'JSON_DUPLICATE_KEY'],
] as const;

const KINDS = ['desk2', 'am2', 'gr2', 'se2', 'gh2', 'pd2', 'ce2'];

describe('bad input', () => {
  let tenant: ServedApi;
  beforeAll(async () => {
    tenant = await serveApi({
      memory: served.memory,
      log: served.log,
      files: {
        'pack.yaml': 'name: acme\n',
        'sources.yaml': `sources:
  desk2: { kind: json }
  am2: { kind: alertmanager }
  gr2: { kind: grafana }
  se2: { kind: sentry }
  gh2: { kind: github }
  pd2: { kind: pagerduty }
  ce2: { kind: cloudevents }
`,
        'policies.yaml': 'default: { effect: deny, reason: none }\n',
      },
    });
  });
  afterAll(() => tenant?.close());

  describe.each(KINDS)('through the source %s', (source) => {
    it.each(BAD)('%s', async (_, body, code) => {
      const answer = await tenant.post(`/hooks/${tenant.tenantId}/${source}`, body);
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({
        code,
        path: expect.any(String) as string,
        hint: expect.any(String) as string,
      });
    });
    it.skipIf(source === 'desk2')('a body of another form is told what it looks like', async () => {
      const body =
        source === 'gr2' ? { action: 'x', repository: {}, sender: {} } : { orgId: 1, version: '1', alerts: [] };
      const answer = await tenant.post(`/hooks/${tenant.tenantId}/${source}`, body);
      const kind = source === 'gr2' ? 'gh2' : 'gr2';
      expect(answer.json()).toMatchObject({ code: 'SOURCE_MISMATCH' });
      expect(answer.json<{ hint: string }>().hint).toContain(`POST /hooks/${tenant.tenantId}/${kind}`);
    });
    it('a source that is not there is answered with those that are', async () => {
      const answer = await tenant.post(`/hooks/${tenant.tenantId}/${source}x`, {});
      expect(answer.status).toBe(404);
      expect(answer.json()).toMatchObject({ code: 'SOURCE_UNKNOWN', hint: expect.stringContaining(source) as string });
    });
  });
});
