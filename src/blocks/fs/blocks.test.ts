import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callOf, errorIn, never, resultOf } from '../../testing/blocks.js';
import { errorOf } from '../errors.js';
import type { Block, BlockCall } from '../port.js';
import { createFsBlocks, type FsOptions } from './blocks.js';
import { storageFault } from './path.js';

const run = promisify(execFile);

let base: string; // holds the blocks' root and, beside it, what must stay out of reach
let root: string;
let home: string; // the tenant's folder
let put: Block;
let get: Block;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'blocks-'));
  root = join(base, 'blobs');
  home = join(root, 'acme');
  [put, get] = blocksWith({});
  await writeFile(join(base, 'secret'), 'outside');
});
afterEach(() => rm(base, { recursive: true, force: true }));

function blocksWith(options: Partial<FsOptions>): [Block, Block] {
  const [first, second] = createFsBlocks({ root, ...options });
  if (!first || !second) throw new Error('two blocks expected');
  return [first, second];
}

const write = (path: string, content: unknown, more: object = {}, call: Partial<BlockCall> = {}) =>
  put.perform(callOf({ path, content, ...more }, call), never);
const read = (path: string, call: Partial<BlockCall> = {}) => get.perform(callOf({ path }, call), never);

describe('what was put is got', () => {
  const cases: [string, string, unknown, object, object][] = [
    ['text', 'a.txt', 'grüezi', {}, { size_bytes: 7, content_type: 'text/plain', content: 'grüezi' }],
    [
      'JSON',
      'out/2026/a.json',
      { a: [1] },
      {},
      { size_bytes: 9, content_type: 'application/json', content: { a: [1] } },
    ],
    ['JSON text', 'a.json', '{"a": 1}', {}, { size_bytes: 8, content_type: 'application/json', content: { a: 1 } }],
    ['a number', 'n.json', 5, {}, { size_bytes: 1, content: 5 }],
    ['nothing', 'empty.txt', '', {}, { size_bytes: 0, content: '' }],
    ['text without an extension', 'notes', 'x', {}, { content_type: 'text/plain', content: 'x' }],
    ['a value without an extension', 'value', { a: 1 }, {}, { content_type: 'application/json', content: { a: 1 } }],
    ['a declared type', 'a.dat', 'a;b', { content_type: 'text/csv' }, { content_type: 'text/csv', content: 'a;b' }],
    ['bytes', 'a.bin', 'x', { content_type: 'image/png' }, { content: 'eA==', content_encoding: 'base64' }],
    ['the longest path', Array(9).fill('a'.repeat(100)).join('/'), 'x', {}, { content: 'x' }],
    ['dots in names', '..a/b..c/.d', 'x', {}, { content: 'x' }],
  ];
  test.each(cases)('%s', async (_what, path, content, more, expected) => {
    const written = resultOf(await write(path, content, more));
    expect(Object.keys(written as object)).toEqual(['path', 'size_bytes', 'content_type']);
    const found = resultOf(await read(path));
    expect(found).toMatchObject({ path, ...expected });
    expect(found).toMatchObject(written as object);
  });

  test('a declared type is replaced by the next', async () => {
    for (const type of ['text/csv', 'text/html', undefined]) {
      await write('a.txt', 'x', type === undefined ? {} : { content_type: type });
      expect(resultOf(await read('a.txt'))).toMatchObject({ content_type: type ?? 'text/plain' });
    }
  });
});

describe('a path that is refused', () => {
  const cases: [string, string, string][] = [
    ['climbs out', '../x', 'PATH_OUTSIDE'],
    ['climbs into a neighbour with the same beginning', '../acme2/x', 'PATH_OUTSIDE'],
    ['climbs in the middle', 'a/../../x', 'PATH_OUTSIDE'],
    ['climbs with backslashes', '..\\x', 'PATH_OUTSIDE'],
    ['is absolute', '/etc/x', 'PATH_OUTSIDE'],
    ['has a drive', 'C:\\x', 'PATH_OUTSIDE'],
    ['has NUL', 'a\0b', 'PATH_INVALID'],
    ['has a name of 300 characters', 'a'.repeat(300), 'PATH_INVALID'],
    ['has ten names', `${'a/'.repeat(9)}b`, 'PATH_INVALID'],
    ['is empty', '', 'PATH_INVALID'],
    ['has an empty name', 'a//b', 'PATH_INVALID'],
    ['ends in a slash', 'a/', 'PATH_INVALID'],
    ['has .', './a', 'PATH_INVALID'],
    ['has a space', 'a b', 'PATH_INVALID'],
    ['has letters beyond ASCII', 'ä', 'PATH_INVALID'],
    ["is the block's own", '.millrace-tmp/x', 'PATH_INVALID'],
  ];
  test.each(cases)('%s', async (_what, path, code) => {
    for (const outcome of [await write(path, 'x'), await read(path)]) {
      expect(outcome).toMatchObject({ kind: 'failed', error: { code, retryable: false } });
    }
    expect(await readdir(base)).toEqual(['secret']);
  });

  test.each([['..'], ['a/b'], ['/etc'], ['']])('tenant %j', async (tenantId) => {
    expect(errorIn(await write('x', 'x', {}, { tenantId })).code).toMatch(/^PATH_/);
  });
});

describe('what is no plain file of the tenant', () => {
  const cases: [string, () => Promise<unknown>, string, string][] = [
    ['a symbolic link to a file', () => symlink(join(base, 'secret'), join(home, 'x')), 'x', 'PATH_LINK'],
    ['a symbolic link to nothing', () => symlink(join(base, 'new'), join(home, 'x')), 'x', 'PATH_LINK'],
    ['a symbolic link to a folder', () => symlink(base, join(home, 'x')), 'x/secret', 'PATH_LINK'],
    ['a hard link', () => link(join(base, 'secret'), join(home, 'x')), 'x', 'PATH_LINK'],
    ['a folder', () => mkdir(join(home, 'x')), 'x', 'NOT_A_FILE'],
    ['a file where a folder should be', () => writeFile(join(home, 'x'), ''), 'x/y', 'NOT_A_FILE'],
    ['a FIFO', () => run('mkfifo', [join(home, 'x')]), 'x', 'NOT_A_FILE'],
    ['a socket', () => listenOn(join(home, 'x')), 'x', 'NOT_A_FILE'],
  ];
  test.each(cases)('%s is neither written nor read', async (_what, make, path, code) => {
    await mkdir(home, { recursive: true });
    await make();
    for (const outcome of [await write(path, 'evil'), await read(path)]) {
      expect(outcome).toMatchObject({ kind: 'failed', error: { code, retryable: false } });
      expect(errorIn(outcome).message).not.toContain(base);
    }
    expect(await readFile(join(base, 'secret'), 'utf8')).toBe('outside');
    expect(await readdir(base)).toEqual(['blobs', 'secret']);
  });

  test("a tenant's folder that is a link", async () => {
    await mkdir(root);
    await symlink(base, home);
    expect(errorIn(await read('secret')).code).toBe('PATH_LINK');
    expect(errorIn(await write('secret', 'evil')).code).toBe('PATH_LINK');
  });
});

const sockets: { close(): void }[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
const listenOn = (path: string) =>
  new Promise<void>((resolve) => sockets.push(createServer().listen(path, () => resolve())));

describe('writing', () => {
  test('the same content again is a success without a second write', async () => {
    const first = await write('a.json', { a: 1 });
    const before = await stat(join(home, 'a.json'), { bigint: true });
    expect(await write('a.json', { a: 1 }, {}, { attempt: 2 })).toEqual(first);
    const after = await stat(join(home, 'a.json'), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  });

  test('other content of the same size replaces it', async () => {
    await write('a.txt', 'old');
    await write('a.txt', 'new');
    expect(await readFile(join(home, 'a.txt'), 'utf8')).toBe('new');
  });

  test('leaves no temporary file, and drops what a crash left an hour ago', async () => {
    await write('a.txt', 'x');
    const folder = join(home, '.millrace-tmp');
    for (const name of ['old', 'recent']) await writeFile(join(folder, name), 'half');
    await utimes(join(folder, 'old'), 0, 0);
    await write('a.txt', 'y');
    expect(await readdir(folder)).toEqual(['recent']);
  });

  test('two tenants have two files of one path', async () => {
    await write('a.txt', 'mine');
    await write('a.txt', 'theirs', {}, { tenantId: 'beta' });
    expect(resultOf(await read('a.txt'))).toMatchObject({ content: 'mine' });
    expect(errorIn(await read('a.txt', { tenantId: 'gamma' })).code).toBe('FILE_NOT_FOUND');
  });

  test('twenty writers of one path leave one of their contents, whole', async () => {
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    const outcomes = await Promise.all(contents.map((content) => write('a.txt', content)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(contents.map(() => 'succeeded'));
    expect(contents).toContain(await readFile(join(home, 'a.txt'), 'utf8'));
  });
});

describe('limits', () => {
  test('a tenant over its quota is refused, within it is not', async () => {
    [put, get] = blocksWith({ quotaBytes: (tenant) => (tenant === 'acme' ? 1000 : null) });
    expect((await write('a.txt', 'a'.repeat(600))).kind).toBe('succeeded');
    expect(await write('b.txt', 'b'.repeat(600))).toMatchObject({
      kind: 'failed',
      error: { code: 'QUOTA_EXCEEDED', errorNumber: 2004, retryable: false },
    });
    expect(errorIn(await read('b.txt')).code).toBe('FILE_NOT_FOUND');
    expect((await write('a.txt', 'c'.repeat(900))).kind).toBe('succeeded'); // what it replaces does not count
    expect((await write('b.txt', 'b'.repeat(5000), {}, { tenantId: 'beta' })).kind).toBe('succeeded');
  });

  test('one quota for every tenant', async () => {
    [put] = blocksWith({ quotaBytes: 10 });
    expect(errorIn(await write('a.txt', 'a'.repeat(11))).code).toBe('QUOTA_EXCEEDED');
    expect((await write('a.txt', 'a'.repeat(10))).kind).toBe('succeeded');
  });

  test('content and files above the limit are refused', async () => {
    await write('a.txt', 'a'.repeat(100));
    [put, get] = blocksWith({ maxFileBytes: 50 });
    expect(errorIn(await write('b.txt', 'b'.repeat(51))).code).toBe('CONTENT_TOO_LARGE');
    expect(errorIn(await read('a.txt')).code).toBe('FILE_TOO_LARGE');
  });

  test.each([
    [{ path: 'a' }, 'PARAM_MISSING', 1002],
    [{ content: 'a' }, 'PARAM_MISSING', 1002],
    [{ path: 'a', content: 'a', mode: 1 }, 'PARAM_UNKNOWN', 1001],
    [{ path: 'a', content: 'a', content_type: 'text' }, 'PARAM_INVALID', 1003],
    [{ path: 'a', content: 'a', content_type: 'a/b\r\nx: y' }, 'PARAM_INVALID', 1003],
  ])('%j: %s', async (input, code, errorNumber) => {
    expect(errorIn(await put.perform(callOf(input), never))).toMatchObject({ code, errorNumber });
  });
});

describe('the storage fails', () => {
  test('a full device is a reason to try again later', async () => {
    const thrown: unknown = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
    expect(errorOf(storageFault(thrown))).toMatchObject({ code: 'STORAGE_FULL', errorNumber: 2002, retryable: true });
  });

  test.each([
    ['EDQUOT', 'STORAGE_FULL', true],
    ['EACCES', 'STORAGE_DENIED', false],
    ['EROFS', 'STORAGE_DENIED', false],
    ['EIO', 'STORAGE_ERROR', true],
    ['EMFILE', 'STORAGE_ERROR', true],
  ])('%s is %s', (code, expected, retryable) => {
    const thrown = Object.assign(new Error(`${code}: /a/path/of/the/machine`), { code });
    const error = errorOf(storageFault(thrown));
    expect(error).toMatchObject({ code: expected, class: 'storage', retryable });
    expect(error.message).not.toContain('/a/path');
  });

  test('a root that is no folder', async () => {
    root = join(base, 'secret');
    [put, get] = blocksWith({});
    expect(errorIn(await write('a', 'x')).class).toBe('storage');
    expect(errorIn(await read('a')).class).not.toBe('internal');
  });
});

test('a call that was canceled before it began writes nothing', async () => {
  const outcome = await put.perform(callOf({ path: 'a', content: 'x' }), AbortSignal.abort());
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'CANCELED', retryable: true } });
  expect(await readdir(base)).toEqual(['secret']);
});
