import { createFsBlocks, type FsOptions } from './fs/blocks.js';
import { createHttpRequest, type HttpOptions } from './http/request.js';
import type { Block } from './port.js';

export interface BlockOptions {
  readonly http: HttpOptions;
  readonly fs: FsOptions;
}

/** Every block by its name, as packs use it. Call `close` of those that have it when the process ends. */
export function createBlocks(options: BlockOptions): ReadonlyMap<string, Block> {
  const blocks = [createHttpRequest(options.http), ...createFsBlocks(options.fs)];
  return new Map(blocks.map((block) => [block.name, block]));
}
