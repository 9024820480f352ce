/** One JSON document from a file or standard input. */
import { readFile } from 'node:fs/promises';
import { ProblemError, problemOf } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import type { Io } from './io.js';

/** Throws ProblemError FILE_UNREADABLE, and those of `parseJson`. */
export async function readDocument(io: Io, file: string): Promise<unknown> {
  const text = file === '-' ? await wholeInput(io) : await read(file);
  try {
    return parseJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const problem = problemOf(error);
    throw new ProblemError({ ...problem, path: [file, problem.path].filter(Boolean).join(': ') });
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ProblemError({ code: 'FILE_UNREADABLE', path: file, message: (error as Error).message });
  }
}

async function wholeInput(io: Io): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of io.input()) parts.push(bytes);
  return Buffer.concat(parts).toString();
}
