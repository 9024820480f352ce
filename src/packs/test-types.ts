/** What a test of a pack is made of. */

/** A file of tests/: this input, with these answers, must come to this. */
export interface PackTest {
  readonly file: string;
  readonly description: string | null;
  readonly input: string; // a file of samples/
  readonly source: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly now: number | null; // epoch ms
  readonly given: Readonly<Record<string, unknown>>;
  readonly expect: PackExpectation | readonly PackExpectation[]; // a list: of each case that the input makes, in order
  /** The place of a word of the file, or of the nearest one above. */
  placeOf(path: readonly (string | number)[]): {
    readonly file: string;
    readonly line: number;
    readonly column: number;
  };
}

/** The words of a decision that a test compares. */
export type PackExpectation = Readonly<Record<string, unknown>>;
