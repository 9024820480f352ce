import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { LANGUAGE_FILES, languageFileOf, languageSchema, schemaLine } from './language.js';

const DEMO = join(import.meta.dirname, '../../packs/demo');
const schemaOf = (file: (typeof LANGUAGE_FILES)[number]) =>
  z.fromJSONSchema(languageSchema(file) as Parameters<typeof z.fromJSONSchema>[0]);

describe('the schemas for editors', () => {
  it.each(readdirSync(DEMO, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml')))(
    'take %s of the demo pack, and no word that is none',
    (path) => {
      const file = languageFileOf(path);
      if (file === undefined) throw new Error(`${path} has no schema`);
      const value: unknown = parse(readFileSync(join(DEMO, path), 'utf8'));
      const schema = schemaOf(file);
      expect(schema.safeParse(value).error).toBeUndefined();
      expect(schema.safeParse({ ...(value as object), nonsense: 1 }).success).toBe(false);
    },
  );

  it.each([
    ['triage', { triage: [{ name: 'a', wen: 'x', set: {} }] }],
    ['policies', { default: { effect: 'perhaps' } }],
    ['policies', { policies: [{ name: 'a', effect: 'allow', budget: { limit: 'x' } }] }],
    ['playbook', { playbook: 'p', steps: [{ id: 'a', aprove: {} }] }],
    ['playbook', { playbook: 'p', steps: [{ id: 'a', use: 't', retry: 'often' }] }],
    ['tools', { tools: { t: { use: 'http.request', timeout: '5 minutes' } } }],
    ['sources', { sources: { s: { kind: 'jsn' } } }],
    ['test', { input: 'samples/a.json', expect: { triag: {} } }],
  ] as const)('of %s refuse %j', (file, value) => {
    expect(schemaOf(file).safeParse(value).success).toBe(false);
  });

  it('say what the words mean', () => {
    expect(JSON.stringify(languageSchema('triage'))).toContain('A CEL condition');
    expect(JSON.stringify(languageSchema('playbook'))).toContain('Where a rejected run goes on');
  });

  it('are for the YAML of the language, and are named by its first line', () => {
    expect(LANGUAGE_FILES.map((file) => languageFileOf(`${file}.yaml`)).slice(0, 4)).toEqual(
      LANGUAGE_FILES.slice(0, 4),
    );
    expect(languageFileOf('README.md')).toBeUndefined();
    expect(schemaLine('triage.yaml', 'triage', '.schema')).toBe('# yaml-language-server: $schema=.schema/triage.json');
    expect(schemaLine('tests/a.yaml', 'test', '.schema')).toBe('# yaml-language-server: $schema=../.schema/test.json');
  });
});
