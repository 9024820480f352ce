/** What is due, the earliest first; among equals the one that was put in first. */
export class Heap<T> {
  private readonly items: { readonly at: number; readonly rank: number; readonly value: T }[] = [];
  private added = 0;

  get size(): number {
    return this.items.length;
  }

  /** When the next one is due; infinity when there is none. */
  get next(): number {
    return this.items[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  push(at: number, value: T): void {
    const item = { at, rank: this.added++, value };
    let place = this.items.push(item) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.isBefore(place, above)) break;
      this.swap(place, above);
      place = above;
    }
  }

  pop(): { readonly at: number; readonly value: T } | undefined {
    const first = this.items[0];
    const last = this.items.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.items[0] = last;
    this.sink();
    return first;
  }

  private sink(): void {
    for (let place = 0; ; ) {
      let least = place;
      for (const below of [2 * place + 1, 2 * place + 2]) {
        if (below < this.items.length && this.isBefore(below, least)) least = below;
      }
      if (least === place) return;
      this.swap(place, least);
      place = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const [one, other] = [this.items[a], this.items[b]];
    if (one === undefined || other === undefined) return false;
    return one.at === other.at ? one.rank < other.rank : one.at < other.at;
  }

  private swap(a: number, b: number): void {
    const [one, other] = [this.items[a], this.items[b]];
    if (one === undefined || other === undefined) return;
    this.items[a] = other;
    this.items[b] = one;
  }
}
