/**
 * Where a text stops being JSON. `JSON.parse` names the place in some of its messages only, and quotes the text there,
 * which a log or a text column may not take.
 */

/** `line 1 column 14`: the first character that cannot stand where it stands. Nesting must have been bounded before. */
export function jsonErrorPlace(text: string): string {
  const reader = new Reader(text);
  if (reader.value()) reader.space();
  const before = text.slice(0, reader.at).split('\n');
  return `line ${before.length} column ${(before[before.length - 1] as string).length + 1}`;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const WORDS = ['true', 'false', 'null'];

/** Reads by the grammar of RFC 8259. Every method answers false where it cannot go on: then `at` is the place. */
class Reader {
  at = 0;
  constructor(private readonly text: string) {}

  value(): boolean {
    const char = this.peek();
    if (char === '{') return this.list('}', () => this.member());
    if (char === '[') return this.list(']', () => this.value());
    if (char === '"') return this.string();
    const word = WORDS.find((known) => this.text.startsWith(known, this.at));
    if (word === undefined) return this.match(NUMBER);
    this.at += word.length;
    return true;
  }

  space(): void {
    while (' \t\r\n'.includes(this.text[this.at] ?? 'end')) this.at++;
  }

  private member(): boolean {
    if (this.peek() !== '"' || !this.string() || this.peek() !== ':') return false;
    this.at++;
    return this.value();
  }

  private list(close: string, item: () => boolean): boolean {
    this.at++;
    for (let more = this.peek() !== close; more; ) {
      if (!item()) return false;
      more = this.peek() === ',';
      if (more) this.at++;
    }
    if (this.peek() !== close) return false;
    this.at++;
    return true;
  }

  private string(): boolean {
    for (this.at++; this.text[this.at] !== '"'; ) {
      const char = this.text[this.at];
      if (char === undefined || char < ' ') return false;
      if (char !== '\\') this.at++;
      else if (!this.match(ESCAPE)) return false;
    }
    this.at++;
    return true;
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.test(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private peek(): string | undefined {
    this.space();
    return this.text[this.at];
  }
}
