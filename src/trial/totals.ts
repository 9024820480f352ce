/**
 * Counts and times by text, many of them in little room: 53 to 80 bytes each, none of which the collector has to look at. A text
 * is known by 128 bits of its SHA-1; that two of them share those is not to be expected.
 */
import { hash } from 'node:crypto';

export interface Total {
  readonly count: number; // above zero
  readonly first: number; // epoch ms
  readonly last: number;
}

const WORDS = 4; // of a key, 32 bits each
const FIGURES = 3;
const SMALLEST = 1_024; // places
const FULLEST = 0.75;

export class Totals {
  private keys = new Uint32Array(0);
  private figures = new Float64Array(0);
  private filled = 0;

  /** Entries, with those that are too old and have not been let go yet. */
  get size(): number {
    return this.filled;
  }

  get(text: string): Total | undefined {
    const place = this.filled === 0 ? -1 : this.find(keyOf(text));
    return this.count(place) === 0 ? undefined : this.at(place);
  }

  /** Where room is needed, what was `last` before `oldest` is let go. */
  set(text: string, total: Total, oldest: number): void {
    if (this.filled >= this.places * FULLEST) this.rebuild(oldest);
    this.put(keyOf(text), total);
  }

  private get places(): number {
    return this.keys.length / WORDS;
  }

  private count(place: number): number {
    return this.figures[place * FIGURES] ?? 0;
  }

  private at(place: number): Total {
    const [count = 0, first = 0, last = 0] = this.figures.subarray(place * FIGURES, (place + 1) * FIGURES);
    return { count, first, last };
  }

  private put(key: Uint32Array, { count, first, last }: Total): void {
    const place = this.find(key);
    if (this.count(place) === 0) this.filled += 1;
    this.keys.set(key, place * WORDS);
    this.figures.set([count, first, last], place * FIGURES);
  }

  /** Where the key is, or the free place where it belongs. */
  private find(key: Uint32Array): number {
    const { places } = this;
    let place = (key[0] ?? 0) % places;
    while (this.count(place) !== 0 && !this.has(place, key)) place = (place + 1) % places;
    return place;
  }

  private has(place: number, key: Uint32Array): boolean {
    const from = place * WORDS;
    return key.every((word, i) => this.keys[from + i] === word);
  }

  private rebuild(oldest: number): void {
    const { keys, figures, places: before } = this;
    const kept: number[] = [];
    for (let place = 0; place < before; place++) {
      if (this.count(place) > 0 && this.at(place).last >= oldest) kept.push(place);
    }
    const places = Math.max(SMALLEST, 2 * kept.length);
    this.keys = new Uint32Array(places * WORDS);
    this.figures = new Float64Array(places * FIGURES);
    this.filled = 0;
    for (const from of kept) {
      const place = this.find(keys.subarray(from * WORDS, (from + 1) * WORDS));
      this.keys.set(keys.subarray(from * WORDS, (from + 1) * WORDS), place * WORDS);
      this.figures.set(figures.subarray(from * FIGURES, (from + 1) * FIGURES), place * FIGURES);
      this.filled += 1;
    }
  }
}

function keyOf(text: string): Uint32Array {
  const bytes = hash('sha1', text, 'buffer');
  return Uint32Array.from({ length: WORDS }, (_, i) => bytes.readUInt32LE(i * WORDS));
}
