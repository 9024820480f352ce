/** The outside system that tools call: it honours idempotency keys and keeps a record of what it did. */
export interface Effect {
  readonly effect: string; // as the tool declares it
  applied: number; // how often a call of this key had its effect, were keys not honoured
}

export class Sink {
  /** By idempotency key. */
  readonly effects = new Map<string, Effect>();
}
