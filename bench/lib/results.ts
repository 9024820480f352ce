/** bench/RESULTS.md: one section a benchmark; a run replaces its own and leaves the others as they are. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { watchStolen } from './cpu.js';
import { NODE_OPTIONS, ROOT } from './processes.js';
import { shown } from './stats.js';

const FILE = join(ROOT, 'bench', 'RESULTS.md');
const stolenSinceStart = watchStolen();
const HEAD =
  '# Results of the benchmarks\n\nWritten by `npm run bench -- NAME`; see `bench/README.md` for what is measured and how.\n';

export function writeResults(section: string, text: string): void {
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : HEAD;
  const [begin, end] = [`<!-- ${section} -->`, `<!-- /${section} -->`];
  const block = `${begin}\n${text.trim()}\n${end}`;
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  const after =
    from < 0 || to < 0 ? `${before}\n${block}\n` : before.slice(0, from) + block + before.slice(to + end.length);
  writeFileSync(FILE, after);
}

/** The machine, the versions and what the machine's neighbours took, in words; no names or addresses. */
export function surroundings(servers: readonly string[]): string {
  const processors = cpus();
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  return [
    `- Machine: ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${memory} GiB, ${process.platform} ${process.arch}; servers and processes share it.`,
    `- ${[`Node ${process.versions.node} with ${NODE_OPTIONS || 'no options'}`, ...servers].join('; ')}.`,
    `- Stolen from the cores by neighbours, from the run's start to its end: ${shown(stolenSinceStart())} %.`,
    `- ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
  ].join('\n');
}
