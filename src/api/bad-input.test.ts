import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, type ServedApi, serveApi } from '../testing/api.js';
import { MAX_EXCEPTION_BYTES } from './intake.js';

let served: ServedApi;
let exceptions: string;
beforeAll(async () => {
  served = await serveApi({
    files: {
      'pack.yaml': 'name: acme\n',
      'sources.yaml': `sources:
  alerts: { kind: alertmanager }
  breaks: { kind: json, split: "\${{ body.breaks }}" }
`,
      'policies.yaml': 'default: { effect: deny, reason: none }\n',
    },
    deps: { requestTimeoutMs: 3_000 },
  });
  exceptions = `/exceptions/${served.tenantId}`;
});
afterAll(() => served?.close());

const countCases = async (): Promise<number> => {
  const { items } = (await served.get(`${exceptions}?limit=200`)).json<{ items: unknown[] }>();
  return items.length;
};

/** Whatever came in before: the process lives, took nothing, and the next good input works. */
afterEach(async () => {
  const before = await countCases();
  const good = await served.post(exceptions, { type: 'GOOD' });
  expect(good.status).toBe(202);
  expect(await countCases()).toBe(before + 1);
  expect(served.faults).toEqual([]);
});

const deep = (depth: number): string => `{"type":"A","fields":${'{"a":'.repeat(depth - 1)}1${'}'.repeat(depth - 1)}}`;
const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';

describe('a body that cannot be taken is refused and nothing of it is kept', () => {
  it.each<[string, string, number, string, string?]>([
    ['invalid JSON', '{"type":"A", nope}', 400, 'JSON_INVALID', 'line 1 column 14'],
    ['invalid JSON on a later line', '{\n  "type": "A",\n  "title": }\n', 400, 'JSON_INVALID', 'line 3 column 12'],
    ['an empty body', '', 400, 'BODY_EMPTY'],
    ['depth 33', deep(33), 400, 'JSON_TOO_DEEP'],
    ['depth 20,000', deep(20_000), 400, 'JSON_TOO_DEEP'],
    ['a duplicate key', '{"type":"A","type":"B"}', 400, 'JSON_DUPLICATE_KEY', 'type'],
    ['a duplicate key in a list', '[{"type":"A"},{"a":1,"a":2}]', 400, 'JSON_DUPLICATE_KEY', 'items[1].a'],
    ['__proto__', '{"type":"A","__proto__":{"admin":true}}', 400, 'KEY_FORBIDDEN', '__proto__'],
    [
      'constructor.prototype',
      '{"type":"A","fields":{"constructor":{"prototype":{}}}}',
      400,
      'KEY_FORBIDDEN',
      'fields.constructor',
    ],
    ['U+0000 in a string', '{"type":"A\\u0000"}', 400, 'TEXT_NUL', 'type'],
    ['a lone surrogate', '{"type":"A\\ud800"}', 400, 'TEXT_INVALID_UNICODE', 'type'],
    ['a number out of range', '{"type":"A","fields":{"amount":1e400}}', 400, 'NUMBER_INVALID', 'fields.amount'],
    ['NaN', '{"type":"A","fields":{"amount":NaN}}', 400, 'NUMBER_INVALID', 'line 1 column 32'],
    ['-Infinity', '{"type":"A",\n"fields":{"amount":-Infinity}}', 400, 'NUMBER_INVALID', 'line 2 column 20'],
    ['a big id as a number', '{"type":"A","entity":9007199254740993}', 400, 'ID_MUST_BE_STRING', 'entity'],
    ['the zero date', '{"type":"A","occurredAt":"0000-00-00"}', 400, 'TIME_INVALID', 'occurredAt'],
    ['infinity', '{"type":"A","occurredAt":"infinity"}', 400, 'TIME_INVALID', 'occurredAt'],
    ['the year 275760', '{"type":"A","occurredAt":"+275760-09-13T00:00:00Z"}', 400, 'TIME_INVALID', 'occurredAt'],
    ['an unknown field', '{"type":"A","severty":"high"}', 400, 'FIELD_UNKNOWN', 'severty'],
    ['another tenant', '{"type":"A","tenant_id":"other"}', 400, 'TENANT_MISMATCH', 'tenant_id'],
    ['another tenant in a list', '[{"type":"A","tenantId":"other"}]', 400, 'TENANT_MISMATCH', 'items[0].tenantId'],
    ['no type', '{"title":"x"}', 400, 'FIELD_MISSING', 'type'],
    ['a number', '7', 400, 'ITEM_INVALID', '(the document)'],
    ['null', 'null', 400, 'ITEM_INVALID', '(the document)'],
    ['an unknown severity', '{"type":"A","severity":"hgih"}', 400, 'SEVERITY_UNKNOWN', 'severity'],
    ['257 KB', JSON.stringify({ type: 'A', fields: { a: 'x'.repeat(257 * 1024) } }), 413, 'BODY_TOO_LARGE'],
    ['9 MB', JSON.stringify({ type: 'A', fields: { a: 'x'.repeat(9 * 1024 * 1024) } }), 413, 'BODY_TOO_LARGE'],
    ['1,001 exceptions', JSON.stringify(Array(1_001).fill({ type: 'A' })), 413, 'BATCH_TOO_LARGE'],
  ])('%s', async (_, body, status, code, path) => {
    expectProblem(await served.post(exceptions, body), status, code, path);
  });

  it('one exception of a list that is too large is named', async () => {
    const large = { type: 'A', fields: { a: 'x'.repeat(MAX_EXCEPTION_BYTES) } };
    expectProblem(await served.post(exceptions, [{ type: 'A' }, large]), 413, 'BODY_TOO_LARGE', 'items[1]');
  });

  it('every problem of every exception is told', async () => {
    const body = [{ type: 'A' }, { severty: 1, type: 'A' }, { type: 'A', severity: 'x', occurredAt: 'now' }, 3];
    const { problems } = expectProblem(await served.post(exceptions, body), 400, 'FIELD_UNKNOWN');
    expect(problems?.map(({ code, path }) => `${path} ${code}`)).toEqual([
      'items[1].severty FIELD_UNKNOWN',
      'items[2].severity SEVERITY_UNKNOWN',
      'items[2].occurredAt TIME_INVALID',
      'items[3] ITEM_INVALID',
    ]);
  });

  it('an unknown field is told with what was meant', async () => {
    const { hint } = expectProblem(await served.post(exceptions, { type: 'A', severty: 1 }), 400, 'FIELD_UNKNOWN');
    expect(hint).toBe('Did you mean `severity`?');
  });

  it('the tenant of the path in the body is an unknown field, with the reason', async () => {
    const body = { type: 'A', tenant: served.tenantId };
    const { hint } = expectProblem(await served.post(exceptions, body), 400, 'FIELD_UNKNOWN', 'tenant');
    expect(hint).toBe('The tenant stands in the path; leave it out of the body.');
  });

  it('lines that are wrong are told by their number, all of them', async () => {
    const lines = ['{"type":"A"}', '', '{"type":', '{"a":1,"a":2}', '{"type":"A","fields":{"n":NaN}}', '[[1e999]]'];
    const answer = await served.post(exceptions, lines.join('\n'), { 'content-type': LINES });
    const { problems } = expectProblem(answer, 400, 'JSON_INVALID', 'line 3 column 9');
    expect(problems?.map(({ code, path }) => `${path} ${code}`)).toEqual([
      'line 3 column 9 JSON_INVALID',
      'items[2].a JSON_DUPLICATE_KEY',
      'line 5 column 27 NUMBER_INVALID',
      'items[4][0][0] NUMBER_INVALID',
    ]);
  });

  it('a line that is deep is told as that exception', async () => {
    const answer = await served.post(exceptions, `{"type":"A"}\n${deep(40)}`, { 'content-type': LINES });
    expectProblem(answer, 400, 'JSON_TOO_DEEP', 'items[1]');
  });

  it('blank lines only are no body', async () => {
    expectProblem(await served.post(exceptions, '\n\n', { 'content-type': LINES }), 400, 'BODY_EMPTY');
  });
});

describe('bytes that are no JSON text', () => {
  const send = (body: Buffer, headers: Record<string, string> = {}) =>
    served.request(exceptions, {
      method: 'POST',
      headers: { 'content-type': JSON_TYPE, ...headers },
      body: new Uint8Array(body),
    });

  it('text that is not UTF-8 is refused', async () => {
    expectProblem(await send(Buffer.from('{"type":"\xe9"}', 'latin1')), 400, 'TEXT_INVALID_UNICODE', '(the document)');
  });

  it('a gzip bomb is refused before it is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
    expectProblem(await send(bomb, { 'content-encoding': 'gzip' }), 413, 'DECOMPRESSED_TOO_LARGE');
  });

  it('bytes that are not gzip are refused', async () => {
    expectProblem(await send(Buffer.from('{"type":"A"}'), { 'content-encoding': 'gzip' }), 400, 'BODY_TRUNCATED');
  });

  it.each(['zstd', 'constructor'])('the encoding %s is not understood', async (encoding) => {
    const answer = await send(Buffer.from('{"type":"A"}'), { 'content-encoding': encoding });
    expectProblem(answer, 415, 'CONTENT_ENCODING', 'content-encoding');
  });

  it.each([
    ['text/plain', '{"type":"A"}'],
    ['application/xml', '<a/>'],
    ['multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data; name="files"\r\n\r\n{}\r\n--x--'],
  ])('the content type %s is not understood', async (type, body) => {
    expectProblem(await send(Buffer.from(body), { 'content-type': type }), 415, 'CONTENT_TYPE');
  });

  it('no body and no content type is no body', async () => {
    expectProblem(await served.request(exceptions, { method: 'POST' }), 400, 'BODY_EMPTY');
  });
});

describe('requests that are not as HTTP wants them', () => {
  /** Sends text over a socket of its own; answers all that came back when the server closed it. */
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(served.port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.on('end', () => resolve(answer)).on('error', reject);
    });

  it('a body that never ends gets 408', async () => {
    const head = `POST ${exceptions} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${JSON_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await raw(`${head}5\r\n{"typ\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"REQUEST_TIMEOUT"');
  });

  it('what is not HTTP gets 400', async () => {
    const answer = await raw('HELLO\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"HTTP_INVALID"');
  });

  it('headers that are too large get 431', async () => {
    const answer = await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(32 * 1024)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"HEADERS_TOO_LARGE"');
  });

  it('a body that is shorter than it says is refused', async () => {
    const answer = await served.api.inject({
      method: 'POST',
      url: exceptions,
      headers: { 'content-type': JSON_TYPE, 'content-length': '100' },
      payload: '{"type":"A"}',
    });
    expect(answer.json<{ code: string }>().code).toBe('BODY_TRUNCATED');
  });
});

describe('a question that cannot be answered', () => {
  it.each<[string, number, string, string?]>([
    ['?limit=-1', 400, 'PARAM_RANGE', 'limit'],
    ['?limit=1e9', 400, 'PARAM_RANGE', 'limit'],
    ['?limit=abc', 400, 'PARAM_RANGE', 'limit'],
    ['?limit=1,000', 400, 'PARAM_RANGE', 'limit'],
    ['?sort=name;drop', 400, 'SORT_UNKNOWN', 'sort'],
    ['?status=OPEN,NOPE', 400, 'STATUS_UNKNOWN', 'status'],
    ['?severity=worst', 400, 'SEVERITY_UNKNOWN', 'severity'],
    ['?since=yesterday', 400, 'TIME_INVALID', 'since'],
    ['?until=1999-12-31T23:59:59Z', 400, 'TIME_INVALID', 'until'],
    ['?statis=OPEN', 400, 'PARAM_UNKNOWN', 'statis'],
    ['?q=', 400, 'PARAM_INVALID', 'q'],
    ['?q=a%00b', 400, 'TEXT_NUL'],
    ['?cursor=nonsense', 400, 'CURSOR_INVALID', 'cursor'],
    ['/not-an-id', 404, 'CASE_NOT_FOUND'],
    ['/01890000-0000-7000-8000-000000000000', 404, 'CASE_NOT_FOUND'],
    ['/01890000-0000-7000-8000-000000000000/timeline', 404, 'CASE_NOT_FOUND'],
    ['/01890000-0000-7000-8000-000000000000/timeline?after=-1', 400, 'PARAM_RANGE', 'after'],
    ['/%zz', 400, 'URL_INVALID'],
    [`/${'a'.repeat(300)}`, 414, 'REQUEST_INVALID'],
    ['/a/b/c/d', 404, 'ROUTE_NOT_FOUND'],
  ])('%s', async (path, status, code, at) => {
    expectProblem(await served.get(`${exceptions}${path}`), status, code, at);
  });

  it('an unknown parameter is told with what was meant', async () => {
    const { hint } = expectProblem(await served.get(`${exceptions}?statis=OPEN`), 400, 'PARAM_UNKNOWN');
    expect(hint).toBe('Did you mean `status`?');
  });

  it('an unknown tenant is told with those there are', async () => {
    const { hint } = expectProblem(await served.get('/exceptions/nobody'), 404, 'TENANT_UNKNOWN', 'tenantId');
    expect(hint).toBe(`Known: ${served.tenantId}.`);
  });

  it('a method that a path does not have is told with those it has', async () => {
    const answer = await served.request(exceptions, { method: 'DELETE' });
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD');
  });
});

describe('a command that cannot be done', () => {
  it.each<[string, unknown, string, string?]>([
    ['/reingest', { status: 'NOPE' }, 'STATUS_UNKNOWN', 'status'],
    ['/reingest', { status: 'OPEN', limit: '1,000' }, 'NUMBER_INVALID', 'limit'],
    ['/reingest', { status: 'OPEN', limit: 1e9 }, 'PARAM_RANGE', 'limit'],
    ['/reingest', { status: 'OPEN', sorce: 'x' }, 'FIELD_UNKNOWN', 'sorce'],
    ['/reingest', { status: 'OPEN', source: 1 }, 'FIELD_TYPE', 'source'],
    ['/reingest', [], 'FIELD_TYPE', '(the document)'],
    ['/reingest', '', 'BODY_EMPTY'],
    ['/x/approvals/y', { decision: 'maybe', by: 'ann' }, 'DECISION_UNKNOWN', 'decision'],
    ['/x/approvals/y', { decision: 'approve', why: 'so' }, 'FIELD_UNKNOWN', 'why'],
  ])('%s %j', async (path, body, code, at) => {
    expectProblem(await served.post(`${exceptions}${path}`, body), 400, code, at);
  });
});

describe('a webhook that is not what its source takes', () => {
  const hook = (source: string, body: unknown) => served.post(`/hooks/${served.tenantId}/${source}`, body);

  it('an unknown source is told with those there are', async () => {
    const { hint } = expectProblem(await hook('allerts', {}), 404, 'SOURCE_UNKNOWN', 'source');
    expect(hint).toBe('Known: alerts, breaks, generic.');
  });

  it('a body of another sender is refused', async () => {
    expectProblem(await hook('alerts', { hello: 1 }), 400, 'SOURCE_MISMATCH', 'alerts');
  });

  it('a body that cannot be split is refused', async () => {
    expectProblem(await hook('breaks', { broken: 1 }), 400, 'SPLIT_FAILED');
  });
});
