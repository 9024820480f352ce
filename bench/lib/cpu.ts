/** CPU time and memory of processes, from /proc. Where there is no /proc, both are unknown (NaN). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const TICKS_A_SECOND = 100; // of /proc, on every Linux that Node runs on
const PAGE_MB = 4096 / 1024 / 1024;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly cpuMs: number;
  readonly reapedMs: number; // of children that have ended
  readonly rssMb: number;
}

export interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const open = text.indexOf('(');
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ');
    const at = (n: number) => Number(fields[n - 3]); // numbered as in proc(5)
    const ms = (ticks: number) => (ticks * 1000) / TICKS_A_SECOND;
    return {
      pid,
      parent: at(4),
      name: text.slice(open + 1, close),
      cpuMs: ms(at(14) + at(15)),
      reapedMs: ms(at(16) + at(17)),
      rssMb: at(24) * PAGE_MB,
    };
  } catch {
    return undefined; // it has ended
  }
}

/** Watches the machine; what comes back says how much of all cores was stolen by its neighbours since, in percent. */
export function watchStolen(): () => number {
  const before = coreTicks();
  return () => {
    const after = coreTicks();
    return (100 * (after.stolen - before.stolen)) / Math.max(1, after.all - before.all);
  };
}

/** Of all cores together, since the machine's start. */
function coreTicks(): { all: number; stolen: number } {
  if (!existsSync('/proc/stat')) return { all: Number.NaN, stolen: Number.NaN };
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split(/\s+/, 9);
  const ticks = fields.map(Number); // the eighth is what was stolen; guests, after it, are counted in the first two
  return { all: ticks.reduce((sum, one) => sum + one, 0), stolen: ticks[7] ?? Number.NaN };
}

const UNKNOWN: Usage = { cpuMs: Number.NaN, rssMb: Number.NaN };

/** The sums over these processes. */
export function usageOf(pids: readonly number[]): Usage {
  if (!existsSync('/proc/self/stat')) return UNKNOWN;
  return sum(pids.flatMap((pid) => statOf(pid) ?? []));
}

/** The sums over the descendants of this process that run the program `name`; unknown if there are none. */
export function usageOfServer(name: string): Usage {
  if (!existsSync('/proc/self/stat')) return UNKNOWN;
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => statOf(Number(entry)) ?? []);
  const parents = new Map(all.map((one) => [one.pid, one.parent]));
  const found = all.filter((one) => one.name === name && isDescendant(one.pid, parents));
  if (found.length === 0) return UNKNOWN;
  return { ...sum(found), cpuMs: found.reduce((total, one) => total + one.cpuMs + one.reapedMs, 0) };
}

function isDescendant(pid: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = parents.get(pid); at !== undefined && at > 0; at = parents.get(at)) {
    if (at === process.pid) return true;
  }
  return false;
}

const sum = (stats: readonly Stat[]): Usage => ({
  cpuMs: stats.reduce((total, one) => total + one.cpuMs, 0),
  rssMb: stats.reduce((total, one) => total + one.rssMb, 0),
});
