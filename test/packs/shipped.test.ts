/** The guides of the packs that ship: what they tell a newcomer to type names files that are there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPackFolder } from '../../src/embedded/samples.js';

const PACKS = join(import.meta.dirname, '../../packs');
const SHOWN = readdirSync(PACKS).filter((name) => name !== 'starter'); // what `packs init` writes has no guide of its own

it.each(SHOWN)('the guide of packs/%s names only files which are there', async (name) => {
  const files = await readPackFolder(join(PACKS, name));
  const guide = files.get('README.md') ?? '';
  const named = [...guide.matchAll(new RegExp(`packs/${name}/([\\w./-]+\\.\\w+)`, 'g'))].map(([, path]) => path);
  expect(named.length).toBeGreaterThan(0);
  for (const path of named) expect([...files.keys()]).toContain(path);
});
