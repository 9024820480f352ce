/** Whether memory stays flat: Millrace under an even load, the memory of each process each minute. */
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../lib/cpu.js';
import { millrace } from '../lib/millrace.js';
import { surroundings } from '../lib/results.js';
import { openGround } from '../lib/servers.js';
import type { BenchOptions, Outcome } from './index.js';

const PER_SECOND = 60; // exceptions: load, and room for the other processes of the machine
const WARM = 2; // minutes after which it should be flat
const SAMPLES = 6; // a minute: the mean of them says more than one look between two collections

export const memory = {
  about: 'whether the memory of each process stays flat under load (--minutes 10)',
  run: runMemory,
};

async function runMemory({ minutes }: BenchOptions): Promise<Outcome> {
  const ground = await openGround();
  try {
    const opened = await (await millrace(ground)).open(undefined);
    let isOver = false;
    let sent = 0;
    const sending = sendEvenly(
      opened.send,
      () => isOver,
      () => sent++,
    );
    const perMinute: Record<string, number>[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      const sizes = await meanOfMinute(opened.processes);
      perMinute.push(sizes);
      const words = Object.entries(sizes).map(([name, mb]) => `${name} ${mb}`);
      console.log(`minute ${minute}: ${words.join(', ')} MB; ${sent} sent, ${await opened.finished()} finished`);
    }
    isOver = true;
    await sending;
    await opened.close();
    return outcomeOf(perMinute, sent, ground.versions);
  } finally {
    await ground.close();
  }
}

async function sendEvenly(send: () => Promise<unknown>, isOver: () => boolean, sent: () => void): Promise<void> {
  const started = performance.now();
  const under = new Set<Promise<void>>();
  for (let n = 0; !isOver(); n++) {
    const waitMs = started + (n * 1_000) / PER_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const one = send().then(sent);
    under.add(one);
    void one.finally(() => under.delete(one));
  }
  await Promise.all(under);
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

function outcomeOf(perMinute: readonly Record<string, number>[], sent: number, versions: readonly string[]): Outcome {
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
    `${sent} exceptions in ${perMinute.length} minutes, ${PER_SECOND} a second. Resident memory in MB, the mean of each minute; growth from minute ${WARM} to the last.`,
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
