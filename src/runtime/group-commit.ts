/**
 * Group commit: requests that arrive while a commit is under way share the next transaction, so that many small
 * writes are not bound to one fsync each. An idle committer starts at once, and a second one beside it when what waits is
 * worth a transaction of its own.
 */

const AT_ONCE = 2; // rounds: while the database works for one, the process prepares the other

/** From which weight on, together, requests need not wait for the round under way. */
interface Aside<Request> {
  readonly weight: number;
  of(request: Request): number;
}

export class GroupCommit<Request, Answer> {
  private waiting: { request: Request; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  private weight = 0; // of what waits
  private runs = 0;
  private over: Promise<unknown> = Promise.resolve(); // all runs that have begun
  private enough: () => void = () => undefined; // ends the pause

  /**
   * @param commit handles the requests of one round in one transaction, answers in their order; when it throws, each
   *   request of the round is committed alone, so that one bad request does not fail the others
   * @param most requests a round
   * @param pauseMs how long requests that came while a round was under way wait now for company, until `most` are there;
   *   asked again with each of them, and by `reconsider`: 0 ends a pause that has begun
   * @param aside what begins a round beside the one under way; not for one that pauses, which knows one pause at a time
   */
  constructor(
    private readonly commit: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    private readonly most: number,
    private readonly pauseMs: () => number = () => 0,
    private readonly aside: Aside<Request> = { weight: Number.POSITIVE_INFINITY, of: () => 1 },
  ) {}

  add(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      this.weight += this.aside.of(request);
      if (this.waiting.length >= this.most) this.enough();
      else this.reconsider();
      if (this.isDue(this.runs)) this.start();
    });
  }

  /** Nobody may be on the way any more who was waited for. */
  reconsider(): void {
    if (this.pauseMs() === 0) this.enough();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    while (this.runs > 0) await this.over;
  }

  private start(): void {
    this.runs++;
    this.over = Promise.all([this.over, this.run()]).then(() => undefined);
  }

  private async run(): Promise<void> {
    await Promise.resolve(); // requests of the same tick share the first round
    while (this.waiting.length > 0 && this.isDue(this.runs - 1)) {
      await this.round(this.next());
      const pause = this.waiting.length > 0 && this.waiting.length < this.most ? this.pauseMs() : 0;
      if (pause > 0) await this.pause(pause);
    }
    this.runs--;
  }

  /** Whether what waits is to have a round while `others` go on. */
  private isDue(others: number): boolean {
    return others === 0 || (others < AT_ONCE && this.weight >= this.aside.weight);
  }

  private next(): typeof this.waiting {
    const round = this.waiting.splice(0, this.most);
    for (const { request } of round) this.weight -= this.aside.of(request);
    return round;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.enough = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async round(batch: typeof this.waiting): Promise<void> {
    try {
      const answers = await this.commit(batch.map(({ request }) => request));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer);
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const one of batch) await this.round([one]);
    }
  }
}
