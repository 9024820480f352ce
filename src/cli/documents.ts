/** Splits a stream of JSON into its documents, as text: one object, a list, one document a line, or any mix of space. */

import { ProblemError } from '../core/errors.js';

/** One document of a file, and where it is: `line 12` where there is one a line, else `item 12`. */
export interface Document {
  readonly text: string; // on one line
  readonly place: string;
}

const LONGEST_LINE = 262_144; // a longer one is no exception by itself

/** The documents of `input`, one after the other; a file is never in memory whole unless it is one document. */
export async function* documentsOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Document> {
  const chunks = texts(input);
  let head = '';
  let next = await chunks.next();
  for (; !next.done; next = await chunks.next()) {
    head += next.value;
    if (head.length > LONGEST_LINE || head.trimStart().includes('\n')) break;
  }
  const all = prepend(head, chunks);
  yield* isLines(head) ? linesOf(all) : valuesOf(all);
}

async function* texts(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true }); // leaves a byte order mark out
  for await (const bytes of input) yield decoder.decode(bytes, { stream: true });
  yield decoder.decode();
}

async function* prepend(head: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield head;
  yield* rest;
}

/** Whether the first line is a document of its own. */
function isLines(head: string): boolean {
  const [first = ''] = head.trimStart().split('\n', 1);
  try {
    const value: unknown = JSON.parse(first);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

async function* linesOf(input: AsyncIterable<string>): AsyncGenerator<Document> {
  let rest = '';
  let number = 0;
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      number++;
      if (line.trim() !== '') yield { text: line.trim(), place: `line ${number}` };
    }
  }
  if (rest.trim() !== '') yield { text: rest.trim(), place: `line ${number + 1}` };
}

/** Values one after the other, or those of a list around all of them. What does not end comes out as it is. */
async function* valuesOf(input: AsyncIterable<string>): AsyncGenerator<Document> {
  const scanner = new Scanner();
  let number = 0;
  const numbered = (text: string): Document => ({ text, place: `item ${++number}` });
  for await (const chunk of input) yield* scanner.feed(chunk).map(numbered);
  yield* scanner.end().map(numbered);
}

/** Finds where values begin and end, without parsing them: numbers and repeated keys stay as they were written. */
class Scanner {
  private depth = 0;
  private base = 0; // 1 inside the list around all values
  private isBegun = false;
  private inText = false;
  private isEscaped = false;
  private current = '';

  feed(chunk: string): string[] {
    const found: string[] = [];
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const letter = chunk.charAt(i);
      if (this.inText) this.goOnInText(letter);
      else if (!this.isBegun) {
        if (this.begin(letter)) from = i + 1;
      } else if (this.ends(letter)) {
        const isPart = letter !== ',' && this.depth >= this.base;
        found.push(this.current + chunk.slice(from, isPart ? i + 1 : i));
        this.current = '';
        from = i + 1;
      } else this.open(letter);
    }
    this.current += chunk.slice(from);
    return values(found);
  }

  /** The rest. Throws ProblemError JSON_TRUNCATED when a value or the list did not end. */
  end(): string[] {
    if (this.depth > 0 || this.inText) {
      const message = 'The input ends in the middle of a document.';
      throw new ProblemError({
        code: 'JSON_TRUNCATED',
        message,
        hint: 'Is the file complete? What came before was sent.',
      });
    }
    return values([this.current]);
  }

  /** True when a list around all values begins here. */
  private begin(letter: string): boolean {
    if (letter.trim() === '') return false;
    this.isBegun = true;
    if (letter !== '[') this.open(letter);
    else this.base = this.depth = 1;
    return letter === '[';
  }

  private goOnInText(letter: string): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (letter === '\\') this.isEscaped = true;
    else if (letter === '"') this.inText = false;
  }

  private open(letter: string): void {
    if (letter === '"') this.inText = true;
    else if (letter === '{' || letter === '[') this.depth++;
  }

  /** Whether a value ends at this letter. */
  private ends(letter: string): boolean {
    if (letter === '}' || letter === ']') return --this.depth <= this.base;
    return letter === ',' && this.depth === this.base;
  }
}

const values = (texts: readonly string[]): string[] =>
  texts.map((text) => text.replace(/[\r\n]+/g, ' ').trim()).filter((text) => text !== '');
