/** Times from outside: RFC 3339 only, because `Date.parse` takes much that Postgres does not, and rolls 30 February over. */
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

let last: { readonly text: string; readonly time: number | undefined } = { text: '', time: undefined };

/**
 * Epoch ms of an RFC 3339 date and time; undefined for anything else, and for a day that its month does not have. The
 * last answer is remembered: the events of a chunk were written at one time.
 */
export function parseTime(text: string): number | undefined {
  if (text !== last.text) last = { text, time: parse(text) };
  return last.time;
}

function parse(text: string): number | undefined {
  const match = RFC3339.exec(text);
  const time = Date.parse(text);
  if (match === null || Number.isNaN(time)) return undefined;
  const day = Number(match[3]);
  if (day <= 28) return time; // every month has it
  return day <= new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate() ? time : undefined;
}

const DAY_MS = 86_400_000;
let today = { at: 0, date: '1970-01-01T' };

/** `Date.toISOString`, at a fifth of its cost for times of one day: every decision tells its conditions such times. */
export function isoOf(ms: number): string {
  const time = Math.trunc(ms);
  let rest = time - today.at;
  if (!(rest >= 0 && rest < DAY_MS)) {
    const at = Math.floor(time / DAY_MS) * DAY_MS;
    today = { at, date: new Date(at).toISOString().slice(0, -'00:00:00.000Z'.length) };
    rest = time - at;
  }
  const seconds = Math.floor(rest / 1_000);
  const minutes = Math.floor(seconds / 60);
  const thousandths = rest % 1_000;
  const zeros = thousandths < 10 ? '00' : thousandths < 100 ? '0' : '';
  return `${today.date}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${zeros}${thousandths}Z`;
}

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);
