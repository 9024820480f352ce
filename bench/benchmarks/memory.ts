/** Whether memory stays flat: Millrace under an even load, the memory of each process each minute. */
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../lib/cpu.js';
import { sendEvenly } from '../lib/even.js';
import { millrace } from '../lib/millrace.js';
import { surroundings } from '../lib/results.js';
import { openGround } from '../lib/servers.js';
import type { BenchOptions, Outcome } from './index.js';

const WARM = 2; // minutes after which it should be flat
const SAMPLES = 6; // a minute: the mean of them says more than one look between two collections

export const memory = {
  about: 'whether the memory of each process stays flat under load (--minutes 10)',
  run: runMemory,
};

async function runMemory({ minutes, rate }: BenchOptions): Promise<Outcome> {
  const ground = await openGround();
  try {
    const opened = await (await millrace(ground)).open(undefined);
    let sent = 0;
    const load = sendEvenly(rate, opened.send, () => sent++);
    const perMinute: Record<string, number>[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      const sizes = await meanOfMinute(opened.processes);
      perMinute.push(sizes);
      const words = Object.entries(sizes).map(([name, mb]) => `${name} ${mb}`);
      console.log(`minute ${minute}: ${words.join(', ')} MB; ${sent} sent, ${await opened.finished()} finished`);
    }
    await load.stop();
    await opened.close();
    return outcomeOf(perMinute, sent, rate, ground.versions);
  } finally {
    await ground.close();
  }
}

async function meanOfMinute(
  processes: readonly { readonly name: string; readonly pid: number }[],
): Promise<Record<string, number>> {
  const sums = new Map<string, number>();
  for (let i = 0; i < SAMPLES; i++) {
    await sleep(60_000 / SAMPLES);
    for (const { name, pid } of processes) sums.set(name, (sums.get(name) ?? 0) + usageOf([pid]).rssMb);
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, Math.round(sum / SAMPLES)]));
}

function outcomeOf(
  perMinute: readonly Record<string, number>[],
  sent: number,
  rate: number,
  versions: readonly string[],
): Outcome {
  const names = Object.keys(perMinute[0] ?? {});
  const warm = perMinute.slice(WARM - 1);
  const growth = names.map((name) => {
    const sizes = warm.map((minute) => minute[name] ?? Number.NaN);
    return Math.round(100 * ((sizes.at(-1) ?? Number.NaN) / (sizes[0] ?? Number.NaN) - 1));
  });
  const rows = perMinute.map((sizes, i) => `| ${i + 1} | ${names.map((name) => sizes[name]).join(' | ')} |`);
  const report = [
    '## Memory under load',
    '',
    `${sent} exceptions in ${perMinute.length} minutes, ${rate} a second. Resident memory in MB, the mean of each minute; growth from minute ${WARM} to the last.`,
    '',
    `| minute | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---|').join('')}`,
    ...rows,
    `| growth % | ${growth.join(' | ')} |`,
    '',
    surroundings(versions),
  ].join('\n');
  return { section: 'memory', report, figures: { perMinute, growth: Math.max(...growth) } };
}
