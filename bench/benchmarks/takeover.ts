/** How soon the other one has taken over: of each worker two processes under an even load, one of them killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { STAGES, type StageName } from '../../src/core/stages.js';
import type { Opened } from '../lib/contender.js';
import { sendEvenly } from '../lib/even.js';
import { untilEnded } from '../lib/measure.js';
import { millrace } from '../lib/millrace.js';
import { type Running, start, stopAll } from '../lib/processes.js';
import { surroundings } from '../lib/results.js';
import { clockAhead, type Ground, openGround, wallClock } from '../lib/servers.js';
import { shown, table } from '../lib/stats.js';
import type { BenchOptions, Outcome } from './index.js';

const COPIES = 2;
const AFTER_MS = 1_000; // what is accepted so long after the kill counts too
const STEADY_MS = 3_000; // so long both must have been members before the kill
const CAUGHT_UP_MS = 5_000;
const SETTLE_MS = 60_000;
const GOAL_S = 12;

interface Taken {
  readonly stage: StageName;
  readonly seconds: number; // from the kill to the last end
  readonly exceptions: number;
  readonly late: number; // of them ended more than two seconds after the kill
}

export const takeover = {
  about: 'kill -9 of one of two processes under load, for each worker: the time until the last exception is at its end',
  run: runTakeover,
};

async function runTakeover({ only, rate }: BenchOptions): Promise<Outcome> {
  const ground = await openGround();
  try {
    const contender = await millrace(ground, { copies: COPIES });
    const sql = postgres(contender.adminUrl, { max: 1, onnotice: () => undefined });
    const ahead = await clockAhead(sql);
    await sql.end();
    const opened = await contender.open(undefined);
    const restarted: Running[] = [];
    const accepted: string[] = []; // since the last kill was over
    const load = sendEvenly(rate, opened.send, (id) => accepted.push(id));
    const taken: Taken[] = [];
    for (const stage of STAGES.filter((name) => only.length === 0 || only.includes(name))) {
      await untilSteady(ground, stage);
      await untilCaughtUp(opened, accepted, rate);
      taken.push(await killOne(stage, opened, accepted, ahead));
      const victim = victimOf(opened, stage);
      restarted.push(await start(victim.program));
    }
    await load.stop();
    await opened.close();
    await stopAll(restarted);
    return outcomeOf(taken, rate, ground.versions);
  } finally {
    await ground.close();
  }
}

const victimOf = ({ processes }: Opened, stage: StageName): Running =>
  processes.find(({ name }) => name === `${stage}-1`) as Running;

async function killOne(stage: StageName, opened: Opened, accepted: string[], ahead: number): Promise<Taken> {
  const killedAt = wallClock() + ahead;
  await victimOf(opened, stage).kill();
  await sleep(AFTER_MS);
  const ids = accepted.splice(0);
  const ends = [...(await untilEnded(opened, ids)).values()].map(({ lastAt }) => lastAt - killedAt);
  const seconds = Math.max(...ends) / 1000;
  console.log(`${stage.padEnd(9)} ${shown(seconds)} s, ${ids.length} exceptions`);
  return { stage, seconds, exceptions: ids.length, late: ends.filter((ms) => ms > 2 * AFTER_MS).length };
}

/** Until what was accepted is at its end as fast as it comes: what is measured next owes nothing to what was before. */
async function untilCaughtUp(opened: Opened, accepted: string[], rate: number): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    await untilEnded(opened, accepted.splice(0));
    if (accepted.length < (rate * CAUGHT_UP_MS) / 1000) return;
    if (performance.now() > until)
      throw new Error(`this machine does not keep up with ${rate} exceptions a second: try a lower --rate`);
  }
}

/** Until the group has both members and has not moved for a while. */
async function untilSteady({ kafka }: Ground, stage: StageName): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const until = performance.now() + SETTLE_MS;
    for (let since = performance.now(); performance.now() - since < STEADY_MS; ) {
      const [group] = (await admin.describeGroups([stage])).groups;
      if (group?.state !== 'Stable' || group.members.length !== COPIES) since = performance.now();
      if (performance.now() > until) throw new Error(`${stage}: the group is ${group?.state}, not two members at rest`);
      await sleep(200);
    }
  } finally {
    await admin.disconnect();
  }
}

function outcomeOf(taken: readonly Taken[], rate: number, versions: readonly string[]): Outcome {
  const worst = Math.max(...taken.map(({ seconds }) => seconds));
  const rows = taken.map(({ stage, seconds, exceptions, late }) => [
    stage,
    shown(seconds),
    String(exceptions),
    String(late),
  ]);
  const report = [
    '## takeover: kill -9 of one of two processes',
    '',
    `Two processes of each worker, ${rate} exceptions a second all the time. From the kill to the end of the last exception that was accepted before it or within a second after it.`,
    '',
    table(
      ['killed', 's', 'exceptions', 'ended more than 2 s after the kill'],
      [...rows, ['worst', shown(worst), '', ''], ['goal', `≤ ${GOAL_S}`, '', '']],
    ),
    '',
    surroundings(versions),
  ].join('\n');
  const stages = Object.fromEntries(taken.map(({ stage, seconds }) => [stage, seconds]));
  return { section: 'takeover', report, figures: { worst, stages } };
}
