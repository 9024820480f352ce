/** One partition in memory: records from `low` to `high`, appended at the end, trimmed at the beginning. */
import type { LogRecord, OutRecord } from '../../core/envelope.js';

export class Partition {
  #low = 0;
  #records: LogRecord[] = [];

  get low(): number {
    return this.#low;
  }

  get high(): number {
    return this.#low + this.#records.length;
  }

  /** Keeps a copy: what the publisher does to its record afterwards does not show. */
  append({ key, value, headers }: OutRecord): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value && Buffer.from(value);
    this.#records.push({ offset: this.high, key, value: bytes, headers: { ...headers } });
  }

  /** At most `limit` records from `offset` on; copies, as from a network. */
  read(offset: number, limit: number): LogRecord[] {
    const from = offset - this.#low;
    return this.#records.slice(from, from + limit).map((record) => ({
      ...record,
      value: record.value === null ? null : Buffer.from(record.value),
      headers: { ...record.headers },
    }));
  }

  /** Lets go of records below `consumed` when they are more than twice `keep`; `keep` of them stay. */
  trim(consumed: number, keep: number): void {
    const spare = consumed - this.#low;
    if (spare <= 2 * keep) return;
    this.#records = this.#records.slice(spare - keep);
    this.#low = consumed - keep;
  }
}
