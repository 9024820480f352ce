import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
  YAMLParseError,
} from 'yaml';
import type { Path } from './expressions/template.js';
import type { Place, Report } from './problems.js';
import { atOnce, type Steps } from './steps.js';

/** A parsed YAML file: its value as plain JSON, and the place of every part of it. */
export interface PackFile {
  readonly name: string;
  readonly value: unknown;
  at(path: Path): unknown;
  /** The place of the value at `path` (or of the nearest one above); with `offset`, of that character of its text. */
  place(path: Path, offset?: number): Place;
  /** The place of the key at the end of `path`. */
  keyPlace(path: Path): Place;
}

const MAX_ALIASES = 50;
const MAX_DEPTH = 200; // in a map the pair counts too
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads YAML 1.2 with the core schema: no custom tags, few aliases, one document, unique text keys.
 * Undefined when it cannot be read; the report then says why (YAML_SYNTAX, YAML_DUPLICATE_KEY, YAML_TAG, YAML_ALIAS_LIMIT,
 * YAML_KEY, KEY_FORBIDDEN).
 */
export const readYaml = (name: string, text: string, report: Report): PackFile | undefined =>
  atOnce(readYamlInSteps(name, text, report));

/** As `readYaml`, bit by bit. */
export function* readYamlInSteps(name: string, text: string, report: Report): Steps<PackFile | undefined> {
  const lines = new LineCounter();
  const document = yield* documentIn(text, lines);
  yield;
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: name, line, column: col };
  };
  const isDuplicate = ({ code }: { readonly code: string }): boolean => code === 'DUPLICATE_KEY';
  for (const { pos, message } of document.errors.filter(isDuplicate)) {
    report.add(placeAt(pos[0]), 'YAML_DUPLICATE_KEY', `${message}.`);
  }
  const broken = document.errors.find((error) => !isDuplicate(error)); // what comes after it mostly follows from it
  if (broken?.code === 'RESOURCE_EXHAUSTION') tooDeep(placeAt(broken.pos[0]), report);
  else if (broken !== undefined) {
    const { pos, message, code } = broken;
    report.add(placeAt(pos[0]), 'YAML_SYNTAX', `${message}.`, syntaxHint(code, text, pos[0]));
  }
  const tags = document.warnings.filter((warning) => warning.code === 'TAG_RESOLVE_FAILED');
  for (const { pos, message } of tags) {
    report.add(placeAt(pos[0]), 'YAML_TAG', `${message}.`, 'Tags (`!…`) are not allowed; write plain values.');
  }
  if (document.errors.length > 0 || tags.length > 0) return undefined;
  if (!checkKeys(document.contents, placeAt, report)) return undefined;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    const hint = 'Write the parts out, or move what repeats into a table.';
    report.add(placeAt(0), 'YAML_ALIAS_LIMIT', `Aliases (\`*name\`) repeat too much, or name no anchor.`, hint);
    return undefined;
  }
  return createFile(name, text, value, document.contents, placeAt);
}

const STRETCH = 2_000; // words of YAML: some milliseconds

/** What `parseDocument` does, bit by bit: three quarters of its time go into the words of the text. */
function* documentIn(text: string, lineCounter: LineCounter): Steps<Document.Parsed> {
  const parser = new Parser(lineCounter.addNewLine);
  const tokens: CST.Token[] = [];
  let words = 0;
  lineCounter.addNewLine(0);
  for (const word of new Lexer().lex(text)) {
    tokens.push(...parser.next(word));
    words += 1;
    if (words % STRETCH === 0) yield;
  }
  tokens.push(...parser.end());
  yield;
  const composer = new Composer({ version: '1.2', schema: 'core', lineCounter, prettyErrors: false });
  const [document, second] = [...composer.compose(tokens, true, text.length)] as [Document.Parsed, Document.Parsed?];
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'There is more than one document'));
  }
  return document;
}

function syntaxHint(code: string, text: string, offset: number): string | undefined {
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces.';
  if (code === 'MULTIPLE_DOCS') return 'Keep one document in a file: remove the line `---`.';
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] as string;
  if (/\$\{\{[^}]*: /.test(line))
    return `Quote the text: \`"\${{ a ? b : c }}"\`; YAML takes \`: \` for the end of a key.`;
  if (code === 'UNEXPECTED_TOKEN' && line.includes('${{')) return `Inside \`{ }\` and \`[ ]\`, quote \`"\${{ … }}"\`.`;
  return undefined;
}

const tooDeep = (place: Place, report: Report): void =>
  report.add(place, 'YAML_TOO_DEEP', 'Lists and maps stand too deep inside each other.', 'Write it flatter.');

/** Reports keys that the language does not have, and what is nested without sense; true when there is neither. */
function checkKeys(root: Node | null, placeAt: (offset: number) => Place, report: Report): boolean {
  let sound = true;
  visit(root, {
    Collection: (_index, node, path) => {
      if (path.length <= MAX_DEPTH) return undefined;
      sound = false;
      tooDeep(placeAt(startOf(node)), report);
      return visit.BREAK;
    },
    Pair: (_index, pair) => {
      const key = pair.key as Node | null;
      if (isScalar(key) && key.value !== null && !FORBIDDEN_KEYS.has(String(key.value))) return;
      sound = false;
      const place = placeAt(startOf(key));
      if (!isScalar(key) || key.value === null) report.add(place, 'YAML_KEY', 'A key must be a text.');
      else report.add(place, 'KEY_FORBIDDEN', `The key \`${String(key.value)}\` is not allowed.`);
    },
  });
  return sound;
}

function createFile(
  name: string,
  text: string,
  value: unknown,
  root: Node | null,
  placeAt: (offset: number) => Place,
): PackFile {
  return {
    name,
    value,
    at: (path) => path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value),
    place: (path, offset) => {
      const { node } = find(root, path);
      return placeAt(startOf(node) + (offset === undefined ? 0 : offsetInSource(node, text, offset)));
    },
    keyPlace: (path) => {
      const { node, key } = find(root, path);
      return placeAt(startOf(key ?? node));
    },
  };
}

const startOf = (node: Node | null): number => node?.range?.[0] ?? 0;

/** The node at `path`, or the last one on the way; `key` only when the whole path was found. */
function find(root: Node | null, path: Path): { node: Node | null; key?: Node | null } {
  let node = root;
  let key: Node | null | undefined;
  for (const step of path) {
    key = undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown }).value) === String(step));
      if (pair === undefined) return { node };
      key = pair.key as Node | null;
      node = (pair.value as Node | null) ?? key;
    } else if (isSeq(node) && node.items[step as number] !== undefined) {
      node = node.items[step as number] as Node;
    } else {
      return { node };
    }
  }
  return key === undefined ? { node } : { node, key };
}

/** Where a character of a scalar's text stands, seen from the scalar's start; 0 where quoting or folding moved it. */
function offsetInSource(node: Node | null, text: string, offset: number): number {
  if (!isScalar(node) || typeof node.value !== 'string' || node.range == null) return 0;
  const raw = text.slice(node.range[0], node.range[1]);
  const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0;
  return raw.slice(quoted, raw.length - quoted) === node.value ? quoted + offset : 0;
}
