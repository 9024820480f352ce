import { z } from 'zod';
import type { StopSignal } from '../../core/stop.js';
import { cleanse, decodeContent } from '../content.js';
import { startDeadline } from '../deadline.js';
import { BlockFault, errorOf, failure, parseInput } from '../errors.js';
import type { Block, BlockCall } from '../port.js';
import { parsePath, storageFault } from './path.js';
import { readStored, type TenantFolder, writeStored } from './store.js';

export interface FsOptions {
  readonly root: string; // holds one folder per tenant; made when first needed
  readonly quotaBytes?: number | ((tenantId: string) => number | null); // per tenant; absent or null: no limit
  readonly maxFileBytes?: number; // 1 MB
}

const MEDIA_TYPE = /^[\w.+-]{1,60}\/[\w.+-]{1,60}(; ?[\w-]+=[\w.+-]+)*$/;

const PutInput = z.strictObject({
  path: z.string(),
  content: z.unknown(), // a string goes as it is, anything else as JSON
  content_type: z.string().max(200).regex(MEDIA_TYPE, 'is not a media type').optional(),
});
const GetInput = z.strictObject({ path: z.string() });

const TYPE_OF_EXTENSION: Readonly<Record<string, string>> = {
  json: 'application/json',
  txt: 'text/plain',
  log: 'text/plain',
  csv: 'text/csv',
  md: 'text/markdown',
  html: 'text/html',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

const typeByName = (path: string): string =>
  TYPE_OF_EXTENSION[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream';

/** `fs.put` and `fs.get`: blobs by path, each tenant in a folder of its own. Both may be repeated. */
export function createFsBlocks(options: FsOptions): readonly Block[] {
  const maxBytes = options.maxFileBytes ?? 1_048_576;
  return [
    fsBlock('fs.put', options.root, async (call, tenant, signal) => {
      const input = parseInput(PutInput, call.input);
      const segments = parsePath(input.path);
      const { bytes, type } = encode(input.content, input.content_type, input.path);
      if (bytes.length > maxBytes) {
        throw new BlockFault('CONTENT_TOO_LARGE', `content has ${bytes.length} bytes, more than ${maxBytes}`);
      }
      const contentType = type === typeByName(input.path) ? null : type;
      await writeStored(tenant, segments, { bytes, contentType }, quotaOf(options, call.tenantId), signal);
      return { path: input.path, size_bytes: bytes.length, content_type: type };
    }),
    fsBlock('fs.get', options.root, async (call, tenant, signal) => {
      const { path } = parseInput(GetInput, call.input);
      const { bytes, contentType } = await readStored(tenant, parsePath(path), maxBytes, signal);
      const type = contentType ?? typeByName(path);
      const { value, encoding } = decodeContent(bytes, type);
      const content = bytes.length === 0 ? '' : cleanse(value, (text) => text);
      return {
        path,
        size_bytes: bytes.length,
        content_type: type,
        content,
        ...(encoding && { content_encoding: encoding }),
      };
    }),
  ];
}

function quotaOf({ quotaBytes }: FsOptions, tenantId: string): number | null {
  return typeof quotaBytes === 'function' ? quotaBytes(tenantId) : (quotaBytes ?? null);
}

function encode(content: unknown, declared: string | undefined, path: string): { bytes: Buffer; type: string } {
  if (content === undefined) throw new BlockFault('PARAM_MISSING', 'content is required');
  if (typeof content === 'string') {
    const named = typeByName(path);
    const type = declared ?? (named === 'application/octet-stream' ? 'text/plain' : named);
    return { bytes: Buffer.from(content), type };
  }
  return { bytes: Buffer.from(JSON.stringify(content)), type: declared ?? 'application/json' };
}

type FsWork = (call: BlockCall, tenant: TenantFolder, signal: AbortSignal) => Promise<unknown>;

function fsBlock(name: string, root: string, work: FsWork): Block {
  return {
    name,
    perform: async (call, signal) => {
      const deadline = startDeadline(call.timeoutMs, signal);
      const own = abortSignalOf(deadline.signal);
      try {
        own.throwIfAborted();
        const [tenantId, ...more] = parsePath(call.tenantId);
        if (tenantId === undefined || more.length > 0)
          throw new BlockFault('PATH_INVALID', 'the tenant is not one name');
        return { kind: 'succeeded', result: await work(call, { root, tenantId }, own) };
      } catch (thrown) {
        return failure(errorOf(stopReason(thrown, own) ?? storageFault(thrown)));
      } finally {
        deadline.clear();
      }
    },
  };
}

/** Node reports an aborted read or write as AbortError; the reason says whether it was the time or the caller. */
const stopReason = (thrown: unknown, signal: AbortSignal): unknown =>
  signal.aborted && thrown instanceof Error && thrown.name === 'AbortError' ? signal.reason : undefined;

/** For Node's file functions, which take nothing but a real one. */
function abortSignalOf(stop: StopSignal): AbortSignal {
  const controller = new AbortController();
  if (stop.aborted) controller.abort(stop.reason);
  else stop.addEventListener('abort', () => controller.abort(stop.reason));
  return controller.signal;
}
