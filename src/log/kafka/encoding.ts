/** Puts other bytes in place of those that kafkajs' encoders make of a request. */
import { createRequire } from 'node:module';
import { isForInstalled } from './patch.js';

/** The part of kafkajs' encoder that its connection reads. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}
type Build<Request> = (request: Request) => { readonly encode: () => Promise<Encoded> };

const require = createRequire(import.meta.url);

/**
 * Patches `name`, as `fetch/v11`, once per process, before the first request: those that are `ours` get the body that `encode`
 * gives. False when the installed kafkajs is another version.
 */
export function patchEncoding<Request>(
  name: string,
  ours: (request: Request) => boolean,
  encode: (request: Request) => Buffer,
): boolean {
  if (!isForInstalled()) return false;
  const path = require.resolve(`kafkajs/src/protocol/requests/${name}/request`);
  const original: Build<Request> & { readonly patched?: true } = require(path);
  if (original.patched) return true;
  const encoded = async (request: Request): Promise<Encoded> => {
    const buf = encode(request);
    return { buf, buffer: buf };
  };
  const build: Build<Request> = (request) =>
    ours(request) ? { ...original(request), encode: () => encoded(request) } : original(request);
  const loaded = require.cache[path];
  if (loaded !== undefined) loaded.exports = Object.assign(build, { patched: true });
  return true;
}
