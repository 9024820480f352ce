/**
 * One folder per tenant. A file is written beside and renamed, so a reader sees the old content or the new, never a part;
 * the same content at the same path is not written again, so a repeated call is harmless.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockFault } from '../errors.js';
import { ignoring, openFolder, openRegular, RESERVED } from './path.js';

const TEMPORARY = `${RESERVED}tmp`;
const TYPES = `${RESERVED}types`;
const TEMPORARY_MAX_AGE_MS = 3_600_000; // no write takes an hour: what is older was left by a crash

export interface StoredFile {
  readonly bytes: Buffer;
  readonly contentType: string | null; // as it was given; null: what the name says
}

export interface TenantFolder {
  readonly root: string; // of all tenants
  readonly tenantId: string;
}

/** Reads a file of at most `maxBytes`. Throws `FILE_NOT_FOUND` (as ENOENT), `FILE_TOO_LARGE`, `PATH_LINK`, `NOT_A_FILE`. */
export async function readStored(
  { root, tenantId }: TenantFolder,
  segments: readonly string[],
  maxBytes: number,
  signal: AbortSignal,
): Promise<StoredFile> {
  const folder = await openFolder(root, [tenantId, ...segments.slice(0, -1)], false);
  const bytes = await readWhole(join(folder, segments.at(-1) ?? ''), maxBytes, signal);
  const type = await readWhole(join(root, tenantId, TYPES, typeName(segments)), 1024, signal).catch(ignoring('ENOENT'));
  return { bytes, contentType: type?.toString('utf8') ?? null };
}

async function readWhole(file: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const handle = await openRegular(file);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new BlockFault('FILE_TOO_LARGE', `the file has ${size} bytes, more than ${maxBytes}`);
    return await handle.readFile({ signal });
  } finally {
    await handle.close();
  }
}

/** Writes a file unless it is there already with the same content and type. Throws `QUOTA_EXCEEDED` and what reading throws. */
export async function writeStored(
  tenant: TenantFolder,
  segments: readonly string[],
  content: StoredFile,
  quotaBytes: number | null,
  signal: AbortSignal,
): Promise<void> {
  const folder = await openFolder(tenant.root, [tenant.tenantId, ...segments.slice(0, -1)], true);
  const target = join(folder, segments.at(-1) ?? '');
  const oldSize = await sizeOf(target);
  const wanted = content.bytes.length;
  if (quotaBytes !== null && wanted > (oldSize ?? 0)) {
    const used = await usedBytes(join(tenant.root, tenant.tenantId));
    if (used - (oldSize ?? 0) + wanted > quotaBytes) {
      throw new BlockFault('QUOTA_EXCEEDED', `${used} of ${quotaBytes} bytes are used; ${wanted} more do not fit`);
    }
  }
  await writeType(tenant, segments, content.contentType, signal);
  const same = oldSize === wanted && (await readWhole(target, wanted, signal)).equals(content.bytes);
  if (!same) await replace(tenant, target, content.bytes, signal);
}

async function sizeOf(file: string): Promise<number | null> {
  const handle = await openRegular(file).catch(ignoring('ENOENT'));
  if (!handle) return null;
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

const typeName = (segments: readonly string[]): string => createHash('sha256').update(segments.join('/')).digest('hex');

async function writeType(tenant: TenantFolder, segments: readonly string[], type: string | null, signal: AbortSignal) {
  const file = join(tenant.root, tenant.tenantId, TYPES, typeName(segments));
  if (type === null) return void (await unlink(file).catch(ignoring('ENOENT')));
  await openFolder(tenant.root, [tenant.tenantId, TYPES], true);
  const old = await readWhole(file, 1024, signal).catch(ignoring('ENOENT'));
  if (old?.toString('utf8') !== type) await replace(tenant, file, Buffer.from(type), signal);
}

let temporaryCount = 0;

async function replace(tenant: TenantFolder, target: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const folder = await openFolder(tenant.root, [tenant.tenantId, TEMPORARY], true);
  await dropLeftovers(folder);
  const temporary = join(folder, `${process.pid}-${Date.now()}-${++temporaryCount}`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    await handle.writeFile(bytes, { signal });
    await handle.sync();
    await handle.close();
    await rename(temporary, target);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined); // the first error says more
    throw error;
  }
}

async function dropLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const found = await lstat(file).catch(ignoring('ENOENT'));
    if (found && Date.now() - found.mtimeMs > TEMPORARY_MAX_AGE_MS) await unlink(file).catch(ignoring('ENOENT'));
  }
}

/** What a tenant's folder holds. Not exact while others write: the quota is a bound against accidents, not an account. */
async function usedBytes(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(ignoring('ENOENT'));
    total += found?.size ?? 0;
  }
  return total;
}
