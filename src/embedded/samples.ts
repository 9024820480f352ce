/** The demo: on an empty data folder, tenant `demo` with the pack that ships, and that pack's samples sent through. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const DEMO_TENANT = 'demo';

/** The folder of the demo pack, whether this runs from `dist/` or from `src/`. */
export const demoFolder = (): string => join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'packs', 'demo');

/** All files of a pack's folder by their path in it, as text. */
export async function readPackFolder(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')] as const),
  );
  return new Map(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export interface Sample {
  readonly name: string;
  readonly source: string;
  readonly text: string;
}

/** Samples for a source of their own, which no test of the pack names. */
const HOOKS: Readonly<Record<string, string>> = {
  'samples/alerts.json': 'alertmanager',
  'samples/breaks.json': 'trades',
};

/** The samples with the source that each is for, as the pack's tests name it; others are skipped. */
export function samplesOf(files: ReadonlyMap<string, string>): Sample[] {
  const samples = new Map<string, Sample>();
  for (const [path, text] of files) {
    if (!path.startsWith('tests/')) continue;
    const { input, source = 'generic' } = parse(text) as { input: string; source?: string };
    const sample = files.get(input);
    if (sample !== undefined) samples.set(input, { name: input, source, text: sample });
  }
  for (const [name, source] of Object.entries(HOOKS)) {
    const text = files.get(name);
    if (text !== undefined) samples.set(name, { name, source, text });
  }
  return [...samples.values()];
}
