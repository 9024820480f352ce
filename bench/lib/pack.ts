/** The pack of the benchmark, and what its tool calls. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenStore } from '../../src/store/open.js';
import { ROOT, type Running, start } from './processes.js';

export const TENANT = 'bench';

export const startSink = (): Promise<Running> =>
  start({ name: 'sink', args: ['--import', 'tsx', 'bench/sink.ts'], env: {}, ready: /ready \d+/ });

export const sinkAddress = (sink: Running): string => `127.0.0.1:${/ready (\d+)/.exec(sink.output())?.[1]}`;

/** Its files by name, its tool pointed at the sink. */
export function packFiles(sink: string): Readonly<Record<string, string>> {
  const folder = join(ROOT, 'bench', 'pack');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
  const files = names.sort().map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return [name, text.replace('http://sink.invalid', `http://${sink}`)] as const;
  });
  return Object.fromEntries(files);
}

/** Makes these tenants and activates the pack for each. */
export async function usePack({ queries }: OpenStore, sink: string, tenants: readonly string[]): Promise<void> {
  const files = packFiles(sink);
  for (const tenant of tenants) {
    await queries.createTenant(tenant);
    const saved = await queries.savePack(tenant, { name: 'bench', files, createdBy: 'bench' });
    await queries.activatePack(tenant, saved.version);
  }
}
