/**
 * Brings together what has come for several partitions at the same time: a transaction costs as much as many events do, and
 * eight partitions with a few events each need one, not eight. So many go on side by side, each of at most so many records.
 */

interface Waiting<Part, Answer> {
  readonly part: Part;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

interface Sized {
  readonly records: readonly unknown[];
  readonly isAlone?: boolean; // to be handled by itself
}

export class Lanes<Part extends Sized, Answer> {
  private waiting: Waiting<Part, Answer>[] = [];
  private running = 0;
  private isAsked = false;

  /** @param handle answers for each part, in their order, or promises to; what it throws is thrown for all of them */
  constructor(
    private readonly handle: (parts: readonly Part[]) => Promise<readonly (Answer | Promise<Answer>)[]>,
    private readonly lanes: number,
    private readonly mostRecords: number,
  ) {}

  /** A part of one partition; the next one of this partition is to be added when this one is answered. */
  add(part: Part): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ part, resolve, reject });
      this.ask();
    });
  }

  /** A turn later, so that what one fetch brought for other partitions is there too. */
  private ask(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    queueMicrotask(() => {
      this.isAsked = false;
      while (this.running < this.lanes && this.waiting.length > 0) void this.run(this.take());
    });
  }

  /** The parts that have waited longest and fit together; at least one. */
  private take(): Waiting<Part, Answer>[] {
    let records = 0;
    let count = 0;
    for (const { part } of this.waiting) {
      records += part.records.length;
      if (count > 0 && (records > this.mostRecords || part.isAlone)) break;
      count++;
      if (part.isAlone) break;
    }
    return this.waiting.splice(0, count);
  }

  private async run(taken: readonly Waiting<Part, Answer>[]): Promise<void> {
    this.running++;
    try {
      const answers = await this.handle(taken.map(({ part }) => part));
      for (let i = 0; i < taken.length; i++) taken[i]?.resolve(answers[i] as Answer);
    } catch (error) {
      for (const { reject } of taken) reject(error);
    } finally {
      this.running--;
      this.ask();
    }
  }
}
