/** `docs/schema` is the language as the compiler knows it. `npx vitest run src/testing/ground/schema.test.ts -u` writes it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LANGUAGE_FILES, languageFileOf, languageSchema, schemaLine } from '../../packs/index.js';

const ROOT = join(import.meta.dirname, '../../..');

it.each(LANGUAGE_FILES)('docs/schema/%s.json is current', async (file) => {
  const text = `${JSON.stringify(languageSchema(file), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(ROOT, `docs/schema/${file}.json`));
});

it.each(readdirSync(join(ROOT, 'packs')))('each YAML file of packs/%s names its schema in its first line', (pack) => {
  const folder = join(ROOT, 'packs', pack);
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = languageFileOf(path.replaceAll('\\', '/'));
    if (file === undefined || !path.endsWith('.yaml')) continue;
    const [first] = readFileSync(join(folder, path), 'utf8').split('\n', 1);
    expect({ path, first }).toEqual({ path, first: schemaLine(path, file, '../../docs/schema') });
  }
});
