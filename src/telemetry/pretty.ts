/** A JSON log line as a person reads it on a terminal. */
import colors from 'picocolors';

const COLORS = new Map([
  ['info', colors.green],
  ['warn', colors.yellow],
  ['error', colors.red],
  ['fatal', colors.red],
]);

interface Parsed {
  readonly timestamp: string;
  readonly level: string;
  readonly message?: string;
  readonly error?: { readonly stack?: string };
}

/** `08:30:00.123 INFO  Initialized TriageWorker: …`, in local time; an error's stack stands on the lines below. */
export function prettyLine(line: string): string {
  const { timestamp, level, message = '', error } = JSON.parse(line) as Parsed;
  const time = clock(new Date(timestamp));
  const color = COLORS.get(level) ?? colors.gray;
  const mark = color(level.toUpperCase().padEnd(5));
  const stack = typeof error?.stack === 'string' ? `${inert(error.stack, true)}\n` : '';
  return `${colors.gray(time)} ${mark} ${inert(message, false)}\n${stack}`;
}

const two = (value: number): string => String(value).padStart(2, '0');
const clock = (at: Date): string =>
  `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;

/** Text from outside could move the cursor or fake a line: control characters are shown as escapes. */
function inert(text: string, lines: boolean): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(CONTROL, (char) => (lines && char === '\n' ? char : escaped(char)));
}
const CONTROL = /\p{Cc}/gu;
