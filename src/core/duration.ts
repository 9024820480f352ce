/** Durations as people write them in packs and settings: `100ms`, `30s`, `2m`, `4h`, `1d`. */
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const FORM = /^(\d{1,9})(ms|s|m|h|d)$/;
const LONGEST_MS = 3_650 * UNIT_MS.d; // ten years: what is longer was a slip of the pen

/** Milliseconds of `30s`, `1h`, `100ms`; undefined for what is not one number and one unit, is zero, or is over ten years. */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}
