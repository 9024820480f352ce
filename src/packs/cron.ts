/** When something recurs: five fields of cron in a time zone. Pure: the caller says what time it is. */
import { Cron } from 'croner';
import { didYouMean } from '../core/errors.js';
import type { Path } from './expressions/template.js';
import type { Report } from './problems.js';
import type { CronTimes } from './schedules/times.js';
import type { PackFile } from './yaml.js';

const MINUTE_MS = 60_000;
const ZONES: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** The times of `pattern` in `zone`. Throws what the pattern's reader says of it. */
function timesOf(pattern: string, zone: string): CronTimes {
  const cron = new Cron(pattern, { timezone: zone, mode: '5-part', paused: true });
  const soon = (now: number): number => Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS; // a minute counts from its begin
  return {
    previous: (now) => cron.previousRuns(1, new Date(soon(now)))[0]?.getTime(),
    next: (now) => cron.nextRun(new Date(now))?.getTime(),
  };
}

/** The times that `cron` and `tz` at `path` name; undefined where they are wrong: CRON_INVALID, ZONE_UNKNOWN. */
export function cronAt(file: PackFile, path: Path, report: Report): CronTimes | undefined {
  const zone = file.at([...path, 'tz']) ?? 'UTC';
  if (typeof zone !== 'string' || !isZone(zone)) {
    const near = didYouMean(String(zone), ZONES);
    const hint = near === undefined ? 'Write it like `Europe/Zurich` or `UTC`.' : `Did you mean \`${near}\`?`;
    report.add(file.place([...path, 'tz']), 'ZONE_UNKNOWN', `There is no time zone \`${String(zone)}\`.`, hint);
    return undefined;
  }
  const pattern = file.at([...path, 'cron']);
  const place = file.place([...path, 'cron']);
  const hint = 'Five fields: minute hour day month weekday; for example `0 22 * * 5`.';
  try {
    const times = timesOf(String(pattern), zone);
    if (times.next(0) !== undefined) return times;
    report.add(place, 'CRON_INVALID', `\`${String(pattern)}\` never comes.`, hint);
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '');
    report.add(place, 'CRON_INVALID', `\`${String(pattern)}\` is no cron pattern: ${why}`, hint);
  }
  return undefined;
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
}
