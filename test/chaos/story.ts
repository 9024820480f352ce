/** What happened when: one line a fault, printed as it goes and kept for the summary. */
export interface Told {
  readonly at: number; // ms since the run began
  readonly text: string;
}

export class Story {
  readonly lines: Told[] = [];
  private readonly started = Date.now();

  constructor(private readonly print: (line: string) => void) {}

  get elapsedMs(): number {
    return Date.now() - this.started;
  }

  tell(text: string): void {
    const at = this.elapsedMs;
    this.lines.push({ at, text });
    this.print(`${(at / 1000).toFixed(1).padStart(7)} s  ${text}`);
  }
}
