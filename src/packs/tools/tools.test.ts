import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf } from '../../testing/packs.js';
import { renderCall } from '../index.js';
import type { ToolCall } from '../types.js';

const TOOLS = `
connections:
  api: { kind: http, base: "https://trades.internal/v1", auth: { bearer: secret://token }, allowHosts: [a.b], allowPorts: [8443] }
  basic: { kind: http, base: "http://x", auth: { basic: { user: ann, password: secret://p } } }
  header: { kind: http, base: "demo://desk", auth: { header: { name: x-key, value: secret://k } } }
tools:
  get: { use: http.request, connection: api, params: { id: string }, with: { path: "/trades/\${{ id }}?q=\${{ id }}" } }
  amend:
    use: http.request
    description: amends
    connection: api
    params:
      id: { type: string, description: the trade }
      n: { type: integer, required: false }
      mode: { enum: [fast, slow], default: fast }
      note: { required: false }
      tags: { type: list, required: false }
      data: { type: object, required: false }
      flag: { type: boolean, required: false }
      price: { type: number, required: false }
    with: { method: POST, path: "/trades/\${{ id }}/amend", body: { n: "\${{ n }}", mode: "\${{ mode }}", note: "\${{ note }}" } }
    effect: idempotent
    timeout: 5s
    retry: { tries: 4, first: 30s, factor: 3, max: 1m, jitter: 0.5, on: [network, 429] }
  any: { use: http.request, params: { link: string, m: string }, with: { url: "\${{ link }}", method: "\${{ m }}" }, retry: { tries: 1, first: 20s } }
  host: { use: http.request, params: { h: string }, with: { url: "https://\${{ h }}/x" } }
  put: { use: fs.put, params: { name: string, what: any }, with: { path: "a/\${{ name }}", content: "\${{ what }}" } }
  plain: { use: fs.get, with: { path: x } }
`;
const pack = packOf({ 'tools.yaml': TOOLS });
const call = (use: string, params: unknown) => renderCall(pack, use, params) as ToolCall;

describe('a rendered call', () => {
  it('has everything that the ledger needs', () => {
    expect(call('amend', { id: 'T-1', n: 5 })).toEqual({
      tool: 'amend',
      block: 'http.request',
      connection: 'api',
      input: { method: 'POST', path: '/trades/T-1/amend', body: { n: 5, mode: 'fast', note: null } },
      effect: 'idempotent',
      timeoutMs: 5_000,
      retry: { tries: 4, firstMs: 30_000, factor: 3, maxMs: 60_000, jitter: 0.5, on: ['network', '429'] },
    });
  });
  it('what a step says goes before what the tool says', () => {
    const retry = { tries: 1, firstMs: 1, factor: 1, maxMs: 1, jitter: 0, on: [] };
    expect(renderCall(pack, 'amend', { id: 'x' }, { retry, timeoutMs: 9 })).toMatchObject({ retry, timeoutMs: 9 });
    expect(renderCall(pack, 'amend', { id: 'x' }, { retry: null, timeoutMs: null })).toMatchObject({
      timeoutMs: 5_000,
    });
  });
  it('a block can be called by its own name, its input being the parameters', () => {
    expect(call('fs.put', { path: 'x.json', content: { a: 1 } })).toEqual({
      tool: 'fs.put',
      block: 'fs.put',
      connection: null,
      input: { path: 'x.json', content: { a: 1 } },
      effect: 'idempotent',
      timeoutMs: 30_000,
      retry: expect.objectContaining({ tries: 3, firstMs: 100 }) as object,
    });
    expect(call('fs.get', { path: 'x' }).effect).toBe('read');
    expect(call('put', { name: 'n', what: [1] })).toMatchObject({ input: { path: 'a/n', content: [1] } });
    expect(call('plain', {})).toMatchObject({ input: { path: 'x' } });
  });
  it.each([
    [undefined, 'read'],
    ['GET', 'read'],
    ['head', 'read'],
    ['PUT', 'idempotent'],
    ['DELETE', 'idempotent'],
    ['POST', 'at_most_once'],
    ['PATCH', 'at_most_once'],
  ])('a request by %s has the effect %s', (method, effect) => {
    expect(call('any', { link: 'https://x', m: method ?? 'GET' }).effect).toBe(effect);
    expect(call('get', { id: 'x' }).effect).toBe('read');
  });
  it('a profile written out keeps what it does not say from `block`, and a first wait above the cap raises it', () => {
    expect(call('any', { link: 'https://x', m: 'GET' }).retry).toEqual({
      tries: 1,
      firstMs: 20_000,
      factor: 2,
      maxMs: 20_000,
      jitter: 0,
      on: ['network', 'timeout', '5xx', '429', 'storage'],
    });
  });
});

describe('data cannot change which address is called', () => {
  it.each([
    ['a/b?c#d', '/trades/a%2Fb%3Fc%23d?q=a%2Fb%3Fc%23d'],
    ['ü x', '/trades/%C3%BC%20x?q=%C3%BC%20x'],
    ['...', '/trades/...?q=...'],
  ])('%s becomes %s', (id, path) => {
    expect(call('get', { id }).input).toEqual({ path });
  });
  it.each(['', '.', '..'])('the value %j is refused in a path', (id) => {
    expect(renderCall(pack, 'get', { id })).toMatchObject({ code: 'PATH_INVALID', path: 'path' });
  });
  it('a whole address is taken as it is, a part of one is encoded', () => {
    expect(call('any', { link: 'https://x/y?z=1', m: 'GET' }).input).toEqual({ url: 'https://x/y?z=1', method: 'GET' });
    expect(call('host', { h: 'evil.com/' }).input).toEqual({ url: 'https://evil.com%2F/x' });
  });
});

describe('parameters are checked', () => {
  it.each([
    ['amend', {}, 'PARAM_MISSING', 'id'],
    ['amend', { id: null }, 'PARAM_TYPE', 'id'],
    ['amend', { id: 5 }, 'PARAM_TYPE', 'id'],
    ['amend', { id: 'x', n: 1.5 }, 'PARAM_TYPE', 'n'],
    ['amend', { id: 'x', mode: 'fst' }, 'PARAM_TYPE', 'mode'],
    ['amend', { id: 'x', tags: 'x' }, 'PARAM_TYPE', 'tags'],
    ['amend', { id: 'x', data: [] }, 'PARAM_TYPE', 'data'],
    ['amend', { id: 'x', flag: 1 }, 'PARAM_TYPE', 'flag'],
    ['amend', { id: 'x', price: '1' }, 'PARAM_TYPE', 'price'],
    ['amend', { id: 'x', nn: 1 }, 'PARAM_UNKNOWN', 'nn'],
    ['fs.put', { path: 'x' }, 'PARAM_MISSING', 'content'],
    ['amend', 'x', 'PARAM_TYPE', undefined],
    ['amnd', {}, 'TOOL_UNKNOWN', undefined],
  ])('%s with %j: %s', (use, params, code, path) => {
    expect(renderCall(pack, use, params)).toMatchObject(path === undefined ? { code } : { code, path });
  });
  it('null is as good as nothing where nothing is needed, and all kinds of values fit', () => {
    const all = { id: 'x', n: null, mode: 'slow', tags: [], data: {}, flag: false, price: 1.5, note: 'x' };
    expect(call('amend', all)).toMatchObject({ input: { body: { n: null, mode: 'slow', note: 'x' } } });
  });
  it('a value that JSON cannot hold, or an expression that fails, is a problem', () => {
    const own = packOf({
      'tools.yaml': `tools: { t: { use: fs.get, params: { a: any }, with: { path: "x \${{ a.b }}" } } }`,
    });
    expect(renderCall(own, 't', { a: 1 })).toMatchObject({ code: 'EXPR_FAILED', path: 'path' });
  });
});

describe('connections', () => {
  it('keep secrets as references', () => {
    expect(Object.fromEntries(pack.connections)).toEqual({
      api: {
        kind: 'http',
        base: 'https://trades.internal/v1',
        auth: { bearer: 'secret://token' },
        allowHosts: ['a.b'],
        allowPorts: [8443],
      },
      basic: { kind: 'http', base: 'http://x', auth: { basic: { user: 'ann', password: 'secret://p' } } },
      header: { kind: 'http', base: 'demo://desk', auth: { header: { name: 'x-key', value: 'secret://k' } } },
    });
  });
  it.each([
    ['{ kind: htp, base: "https://x" }', '1:27 VALUE_UNKNOWN'],
    ['{ kind: http, base: "x.internal" }', '1:39 URL_INVALID'],
    ['{ kind: http, base: "ftp://x" }', '1:39 URL_INVALID'],
    ['{ kind: http, base: "demo:" }', '1:39 URL_INVALID'],
    ['{ kind: http }', '1:19 FIELD_MISSING'],
    ['{ kind: http, base: "https://x", auth: {} }', '1:58 VALUE_INVALID'],
    ['{ kind: http, base: "https://x", auth: { bearer: abc } }', '1:68 SECRET_INLINE'],
    ['{ kind: http, base: "https://x", auth: { basic: { user: a, password: b } } }', '1:88 SECRET_INLINE'],
    ['{ kind: http, base: "https://x", auth: { header: { name: a, value: b } } }', '1:86 SECRET_INLINE'],
  ])('%s → %s', (text, code) => {
    expect(codesOf({ 'tools.yaml': `connections: { a: ${text} }` })[0]).toBe(`tools.yaml:${code}`);
  });
});

describe('tools.yaml is checked', () => {
  const tool = (text: string) => ({
    'tools.yaml': `connections: { api: { kind: http, base: "https://x" } }\ntools:\n  t: ${text}`,
  });
  it.each([
    ['{ use: http.requets }', '3:13 BLOCK_UNKNOWN'],
    ['{ usee: fs.get }', '3:6 FIELD_MISSING'],
    ['{ use: http.request, connection: apy, with: { path: /x } }', '3:39 CONNECTION_UNKNOWN'],
    ['{ use: fs.get, connection: api, with: { path: x } }', '3:33 FIELD_UNKNOWN'],
    ['{ use: http.request, connection: api }', '3:6 PARAM_MISSING'],
    ['{ use: http.request, with: { method: GET } }', '3:33 PARAM_MISSING'],
    ['{ use: http.request, with: { path: /x } }', '3:41 PARAM_INVALID'],
    ['{ use: http.request, connection: api, with: { path: /x, url: "https://x" } }', '3:50 PARAM_INVALID'],
    ['{ use: http.request, connection: api, with: { path: /x, metod: GET } }', '3:62 PARAM_UNKNOWN'],
    ['{ use: http.request, connection: api, with: { path: /x, method: FETCH } }', '3:70 PARAM_TYPE'],
    ['{ use: fs.put, with: { path: x } }', '3:27 PARAM_MISSING'],
    ['{ use: fs.get, with: { path: x }, effect: reads }', '3:48 VALUE_UNKNOWN'],
    ['{ use: fs.get, with: { path: x }, params: { "a b": string } }', '3:50 NAME_INVALID'],
    ['{ use: fs.get, with: { path: x }, params: { a: text } }', '3:53 VALUE_UNKNOWN'],
    ['{ use: fs.get, with: { path: x }, params: { a: { typ: string } } }', '3:55 FIELD_UNKNOWN'],
    [`{ use: fs.get, with: { path: "\${{ b }}" }, params: { a: string } }`, '3:40 EXPR_UNKNOWN'],
    [`{ use: fs.get, with: { path: "\${{ exception.type }}" } }`, '3:40 EXPR_UNKNOWN'],
    ['{ use: fs.get, with: { path: x }, retry: { tries: 0 } }', '3:56 VALUE_INVALID'],
    ['{ use: fs.get, with: { path: x }, retry: { tries: 1, first: 5 } }', '3:66 DURATION_INVALID'],
    ['{ use: fs.get, with: { path: x }, retry: { tries: 1, on: [netwrk] } }', '3:64 VALUE_UNKNOWN'],
  ])('%s → %s', (text, code) => {
    expect(codesOf(tool(text))[0]).toBe(`tools.yaml:${code}`);
  });
  it.each([
    ['tools: { fs.get: { use: fs.get, with: { path: x } } }', '1:10 NAME_INVALID'],
    ['tools: { "A B": { use: fs.get } }', '1:10 NAME_INVALID'],
    ['tool: {}', '1:1 FIELD_UNKNOWN'],
    ['{}', undefined],
  ])('%s → %s', (text, code) => {
    expect(codesOf({ 'tools.yaml': text })[0]).toBe(code && `tools.yaml:${code}`);
  });
  it('a misspelt block comes with the block that was meant', () => {
    expect(problemsOf(tool('{ use: http.requets }'))[0]?.hint).toBe('Did you mean `http.request`?');
    expect(problemsOf(tool('{ use: http.request, connection: apy, with: { path: /x } }'))[0]?.hint).toBe(
      'Did you mean `api`?',
    );
    expect(
      problemsOf({ 'tools.yaml': 'tools: { t: { use: http.request, connection: a, with: { path: /x } } }' })[0]?.hint,
    ).toBe('There is none yet.');
  });
});
