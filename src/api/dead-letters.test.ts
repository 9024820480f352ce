import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeadLetterDraft, SYSTEM_TENANT } from '../store/port.js';
import { makeTenant, type ServedApi, serveApi } from '../testing/api.js';
import { makeKey, type Scope } from './keys.js';

let served: ServedApi;
let other: string; // a tenant that is not the key's
beforeAll(async () => {
  served = await serveApi({ mode: 'cluster' });
  other = await makeTenant(served.memory);
});
afterAll(() => served?.close());

interface Told {
  readonly status: number;
  readonly code: string;
}

async function keyWith(...scopes: Scope[]): Promise<Record<string, string>> {
  const { key, keyId, secretHash } = makeKey(served.tenantId);
  await served.memory.queries.createApiKey({ tenantId: served.tenantId, keyId, name: 'ann', secretHash, scopes });
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
}

/** A record that no worker could read, as the shell keeps it. */
async function letter(tenantId: string, change: Partial<DeadLetterDraft> = {}): Promise<string> {
  const draft: DeadLetterDraft = {
    ...{ deadLetterId: randomUUID(), tenantId, caseId: null, seq: null, stage: 'triage', topic: 'exceptions.triage' },
    ...{ partition: 0, offset: 7, code: 'EVENT_NOT_JSON', message: 'Not valid JSON at line 1 column 5.', path: null },
    ...{ eventType: 'ExceptionNormalized', key: 'k', headers: {}, value: Buffer.from('{"a":').toString('base64') },
    ...change,
  };
  const { store } = served.memory;
  await store.transaction([tenantId], (tx) => tx.write({ cases: [], journal: [], deadLetters: [draft] }));
  return draft.deadLetterId;
}

const put = (path: string, body: unknown, headers: Record<string, string>) =>
  served.request(path, { method: 'PUT', headers, body: JSON.stringify(body) });
const codeOf = async (answer: Promise<{ json<T>(): T }>): Promise<string> => {
  const { status, code } = (await answer).json<Told>();
  return `${status} ${code}`;
};

describe('dead letters', () => {
  it('are read with exceptions:read, and changed only with dead-letters:write', async () => {
    const id = await letter(served.tenantId);
    const path = `/dead-letters/${served.tenantId}`;
    const reader = await keyWith('exceptions:read');
    expect((await served.get(path, reader)).status).toBe(200);
    expect((await served.get(`${path}/${id}`, reader)).json()).toMatchObject({
      ...{ id, status: 'open', holds: false, attempts: 1, topic: 'exceptions.triage', offset: 7 },
      input: { key: 'k', encoding: 'text', data: '{"a":' },
      history: [{ what: 'failed', note: 'EVENT_NOT_JSON' }],
    });
    expect(await codeOf(served.post(`${path}/${id}/replay`, {}, reader))).toBe('403 SCOPE_MISSING');
    expect(await codeOf(served.post(`${path}/replay`, {}, reader))).toBe('403 SCOPE_MISSING');
    expect(await codeOf(served.post(`${path}/${id}/discard`, { reason: 'x' }, reader))).toBe('403 SCOPE_MISSING');
    expect(await codeOf(put(`${path}/${id}`, { data: {} }, reader))).toBe('403 SCOPE_MISSING');
    const writer = await keyWith('dead-letters:write');
    const answer = await served.post(`${path}/${id}/discard`, { reason: 'noise', by: 'eve' }, writer);
    expect(answer.json()).toEqual({ id, outcome: 'closed', exception: null, events: 0 });
    expect(await codeOf(served.post(`${path}/${id}/replay`, {}, writer))).toBe('409 DEAD_LETTER_SETTLED');
    const shown = (await served.get(`${path}/${id}`, reader)).json();
    expect(shown).toMatchObject({ status: 'discarded', settledBy: 'ann', reason: 'noise' });
  });

  it('of another tenant, of nobody and without a name look as if they did not exist', async () => {
    const admin = await keyWith('admin');
    const theirs = await letter(other);
    expect(await codeOf(served.get(`/dead-letters/${other}`, admin))).toBe('404 TENANT_UNKNOWN');
    const path = `/dead-letters/${served.tenantId}`;
    expect(await codeOf(served.get(`${path}/${theirs}`, admin))).toBe('404 DEAD_LETTER_NOT_FOUND');
    expect(await codeOf(served.post(`${path}/${theirs}/replay`, {}, admin))).toBe('404 DEAD_LETTER_NOT_FOUND');
    expect(await codeOf(served.get(`${path}/nonsense`, admin))).toBe('404 DEAD_LETTER_NOT_FOUND');
  });

  it('that name no tenant are for keys with the scopes admin and system', async () => {
    const id = await letter(SYSTEM_TENANT);
    for (const scopes of [['admin'], ['system'], ['exceptions:read']] as const)
      expect(await codeOf(served.get(`/dead-letters/~system/${id}`, await keyWith(...scopes)))).toBe(
        '403 SCOPE_MISSING',
      );
    const operator = await keyWith('admin', 'system');
    expect((await served.get('/dead-letters/~system', operator)).json()).toMatchObject({ items: [{ id }] });
    expect(await codeOf(served.get('/exceptions/~system', operator))).toBe('404 TENANT_UNKNOWN');
  });

  it('take no edit that could not be read or that is of another tenant, and keep what they came with', async () => {
    const admin = await keyWith('admin');
    const path = `/dead-letters/${served.tenantId}/${await letter(served.tenantId)}`;
    expect(await codeOf(put(path, { data: { a: 1 } }, admin))).toBe('400 INPUT_INVALID');
    const [caseId, eventId] = [randomUUID(), randomUUID()];
    const ours = {
      key: `${served.tenantId}:${caseId}`,
      data: { exception: SOUND, packVersion: 1 },
      headers: {
        ...{ ce_id: eventId, ce_type: 'ExceptionNormalized', ce_source: '/millrace/intake', ce_caseid: caseId },
        ...{ ce_time: '2026-11-20T10:00:00Z', ce_seq: '2', ce_after: '0', ce_tenantid: served.tenantId },
      },
    };
    const theirs = { ...ours, key: `${other}:${caseId}`, headers: { ...ours.headers, ce_tenantid: other } };
    expect((await put(path, theirs, admin)).json()).toMatchObject({
      code: 'INPUT_INVALID',
      path: 'headers.ce_tenantid',
    });
    const edited = (await put(path, ours, admin)).json();
    expect(edited).toMatchObject({ edited: true, input: { data: '{"a":' }, editedInput: { data: ours.data } });
    expect((await served.post(`${path}/replay`, {}, admin)).json()).toMatchObject({ outcome: 'sent' });
    const marks = await served.log.watermarks('exceptions.triage');
    expect(marks.reduce((sum, { high }) => sum + high, 0)).toBe(1);
  });

  it('are listed by pages and filters, and unknown filters are refused', async () => {
    const admin = await keyWith('admin');
    const path = `/dead-letters/${served.tenantId}`;
    for (const n of [1, 2, 3]) await letter(served.tenantId, { code: 'PAGED', message: `Seen ${n} times in "${n}".` });
    const first = (await served.get(`${path}?code=PAGED&limit=2`, admin)).json<{ next: string }>();
    expect(first).toMatchObject({ causes: [{ count: 3, message: 'Seen # times in "…".' }], items: [{}, {}] });
    const second = await served.get(`${path}?code=PAGED&limit=2&cursor=${first.next}`, admin);
    expect(second.json()).toMatchObject({ causes: [], items: [{ code: 'PAGED' }], next: null });
    expect(await codeOf(served.get(`${path}?cursor=${first.next}`, admin))).toBe('400 CURSOR_INVALID');
    expect(await codeOf(served.get(`${path}?status=lost`, admin))).toBe('400 STATUS_UNKNOWN');
    expect((await served.get(`${path}?kode=1`, admin)).status).toBe(400);
    const preview = await served.post(`${path}/preview`, { code: 'PAGED' }, admin);
    expect(preview.json()).toMatchObject({ letters: 3, causes: 1, exceptions: 0, callsTools: 0 });
  });

  it('are not settled when the log is down', async () => {
    const id = await letter(other);
    const down = await serveApi({ memory: served.memory });
    await down.log.close();
    const path = `/dead-letters/${other}/${id}`;
    expect(await codeOf(down.post(`${path}/replay`, {}))).toBe('503 LOG_DOWN');
    expect((await down.get(path)).json()).toMatchObject({ status: 'open' });
    await down.close();
  });

  it('and whole stages are sent again by an admin, only for the tenant of the key', async () => {
    const stage = { stage: 'intake', tenant: other };
    expect(await codeOf(served.post('/pipeline/replay', stage, await keyWith('pipeline:read')))).toBe(
      '403 SCOPE_MISSING',
    );
    const id = randomUUID();
    const report = { type: 'X', entity: id };
    const writer = await keyWith('exceptions:write');
    expect((await served.post(`/exceptions/${served.tenantId}`, report, writer)).status).toBe(202);
    const answer = await served.post('/pipeline/replay', stage, await keyWith('admin'));
    expect(answer.json()).toEqual({ exceptions: 1, events: 1, next: null });
  });
});

const SOUND = {
  ...{ type: 'X', title: 't', severity: 'low', entity: null, source: 'generic', fingerprint: 'f', fields: {} },
  occurredAt: '2026-11-20T10:00:00Z',
};
