/** One process a data folder: a lock file that names its holder, and survives nothing but a live process. */
import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ProblemError } from '../core/errors.js';

export interface FolderLock {
  release(): void;
}

/** Takes the folder. Throws ProblemError HOME_HELD (another process has it) or HOME_NOT_WRITABLE. */
export function lockFolder(folder: string): FolderLock {
  const file = join(folder, 'lock');
  try {
    makeFolder(folder);
    return take(file);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const message = `The data folder ${folder} cannot be written: ${(error as Error).message}`;
    throw new ProblemError({
      code: 'HOME_NOT_WRITABLE',
      message,
      path: 'MILLRACE_HOME',
      hint: 'Set MILLRACE_HOME to a folder that you may write.',
    });
  }
}

/** Not `recursive: true`: on file systems that refuse with ENOENT, such as /proc, Node tries that for ever. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder);
  }
}

function take(file: string): FolderLock {
  for (;;) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, `${process.pid}`);
      closeSync(handle);
      return { release: () => unlinkSync(file) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(file, 'utf8'));
      if (isAlive(holder)) {
        const message = `The data folder is held by the process ${holder}, which is running.`;
        throw new ProblemError({
          code: 'HOME_HELD',
          message,
          path: file,
          hint: `Stop it (kill ${holder}), or set MILLRACE_HOME to another folder.`,
        });
      }
      unlinkSync(file); // its holder died without releasing it
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
