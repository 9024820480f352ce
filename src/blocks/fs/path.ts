import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockFault } from '../errors.js';

const SEGMENT = /^[A-Za-z0-9._-]{1,100}$/;
const MAX_SEGMENTS = 9;
export const RESERVED = '.millrace-'; // names of the block's own folders

/** The segments of a tenant's path. Throws `PATH_OUTSIDE` or `PATH_INVALID`. */
export function parsePath(path: string): readonly string[] {
  if (/^[/\\]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes('..')) {
    throw new BlockFault(
      'PATH_OUTSIDE',
      `path ${shown(path)} leaves the tenant's folder; it must be relative, without ..`,
    );
  }
  const segments = path.split('/');
  const valid = segments.every((name) => SEGMENT.test(name) && name !== '.' && !name.startsWith(RESERVED));
  if (!valid || segments.length > MAX_SEGMENTS) {
    throw new BlockFault(
      'PATH_INVALID',
      `path ${shown(path)}: at most ${MAX_SEGMENTS} names of 1 to 100 letters, digits, dots, dashes or underscores`,
    );
  }
  return segments;
}

const shown = (path: string): string => JSON.stringify(path.length > 120 ? `${path.slice(0, 120)}…` : path);

/**
 * The real folder of `segments` below `root`; made if `create`. Throws `PATH_LINK` if any of them is a symbolic link,
 * `NOT_A_FILE` if one is no folder, `FILE_NOT_FOUND` if one is missing.
 */
export async function openFolder(root: string, segments: readonly string[], create: boolean): Promise<string> {
  if (create) await mkdir(root, { recursive: true, mode: 0o700 });
  let folder = await realpath(root);
  for (const name of segments) {
    folder = join(folder, name);
    if (create) await mkdir(folder, { mode: 0o700 }).catch(ignoring('EEXIST'));
    const found = await lstat(folder);
    if (found.isSymbolicLink()) throw new BlockFault('PATH_LINK', `${name} is a symbolic link`);
    if (!found.isDirectory()) throw new BlockFault('NOT_A_FILE', `${name} is not a folder`);
  }
  // A link that came in between the look and now would lead elsewhere.
  if ((await realpath(folder)) !== folder)
    throw new BlockFault('PATH_LINK', 'the folder is reached by a symbolic link');
  return folder;
}

/** Opens an existing regular file for reading. Throws `PATH_LINK` or `NOT_A_FILE`; the caller closes it. */
export async function openRegular(file: string): Promise<FileHandle> {
  // NONBLOCK: opening a FIFO must not wait for its writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new BlockFault('NOT_A_FILE', 'the path is a folder or a device, not a file');
    if (found.nlink > 1) throw new BlockFault('PATH_LINK', 'the file has further hard links');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** A rejection handler that lets one error code pass. */
export function ignoring(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
    return undefined;
  };
}

/** The block's error for what the file system threw. Messages name no path of the machine. */
export function storageFault(error: unknown): unknown {
  if (error instanceof BlockFault) return error;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new BlockFault('STORAGE_FULL', `the storage is full (${code})`);
  if (code === 'ENOENT') return new BlockFault('FILE_NOT_FOUND', 'no such file');
  if (code === 'ELOOP') return new BlockFault('PATH_LINK', 'the path is a symbolic link');
  if (code === 'ENXIO' || code === 'EISDIR')
    return new BlockFault('NOT_A_FILE', 'the path is a folder or a device, not a file');
  if (/^(EACCES|EPERM|EROFS)$/.test(code))
    return new BlockFault('STORAGE_DENIED', `the storage refuses access (${code})`);
  return code === '' ? error : new BlockFault('STORAGE_ERROR', `the storage failed (${code})`);
}
