/** Every kind of source is held to payloads that nobody here wrote. GitHub's come from a package of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMED_KINDS } from './kind.js';

interface Documented {
  readonly name: string;
  readonly origin?: string;
}
const FOLDER = join(import.meta.dirname, 'fixtures');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const [, TABLE = ''] = readFileSync(join(FOLDER, 'README.md'), 'utf8').split('| file | documented |');
const documentedIn = (file: string) =>
  (JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as readonly Documented[]).filter(
    ({ origin }) => origin !== undefined,
  );
const pageOf = ({ origin }: Documented): string => String(origin).replace(/#.*$/, '');

describe('payloads that nobody here wrote', () => {
  it('stand in the file of every kind, and of topics', () => {
    const kinds = NAMED_KINDS.filter((kind) => kind !== 'github').map((kind) => `${kind}.json`);
    expect([...kinds, 'kafka.json'].sort()).toEqual(FILES.sort());
  });
  it.each(FILES)('%s has at least three of them, each with its page, which the README names', (file) => {
    const documented = documentedIn(file);
    expect(documented.length).toBeGreaterThanOrEqual(3);
    const row = TABLE.split('\n').find((line) => line.startsWith(`| \`${file}\` |`));
    expect(row).toBeDefined();
    for (const one of documented) {
      expect(one.origin).toMatch(/^https:\/\//);
      expect(row, one.name).toContain(`<${pageOf(one)}>`);
    }
  });
});
