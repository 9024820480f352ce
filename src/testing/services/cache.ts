/** Where tests keep what takes long to get and never changes. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(): string {
  const folder = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return join(folder, 'millrace');
  } catch {
    return join(tmpdir(), `millrace-cache-${process.getuid?.() ?? 0}`); // a user without a home
  }
}
