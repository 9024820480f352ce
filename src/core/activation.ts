/** Who changes the active version, and what they believe it to be. */
export interface Activating {
  readonly by: string;
  readonly reason?: string | null;
  /** The version that must be active for this to happen; null: none may be. Without it, it happens whatever is. */
  readonly expected?: number | null;
}

export interface Activated {
  readonly version: number;
  readonly previous: number | null;
  readonly changed: boolean; // false: it was active already
}
