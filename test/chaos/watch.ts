/** Looks at every process from time to time: how much memory it takes. */
import { readFileSync } from 'node:fs';
import type { Cluster } from './cluster.js';

/** Resident memory of a process in MB: the most that was seen, and the last. */
export interface Memory {
  most: number;
  last: number;
}

const EVERY_MS = 5_000;

/** Starts looking; the answer stops it and tells what was seen, by the names of processes. */
export function watchMemory(cluster: Cluster): () => Readonly<Record<string, Memory>> {
  const seen: Record<string, Memory> = {};
  const look = (): void => {
    for (const { name, pid } of cluster.processes) {
      const mb = pid === undefined ? undefined : residentMb(pid);
      if (mb === undefined) continue;
      seen[name] = { most: Math.max(seen[name]?.most ?? 0, mb), last: mb };
    }
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return seen;
  };
}

/** Undefined where the system does not tell, or the process is gone. */
function residentMb(pid: number): number | undefined {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
  } catch {
    return undefined;
  }
}
