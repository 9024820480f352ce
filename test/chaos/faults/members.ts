/** Members of a group that stop and come back, join and leave, or find their offsets moved. */
import { type Stage, topicOf } from '../layout.js';
import { sleep, until } from '../waiting.js';
import type { Fault, FaultContext } from './fault.js';

const STOPPED_MS = 45_000;

/** A process stands still for longer than its session lasts, then goes on as if nothing had been. */
export const zombie = (name: string): Fault => ({
  name: `zombie ${name}`,
  beside: true,
  strike: async ({ cluster, story }) => {
    const one = cluster.processOf(name);
    await one.ready();
    const { pid } = one;
    one.pause();
    story.tell(`SIGSTOP ${name} (pid ${pid})`);
    await sleep(STOPPED_MS);
    const same = one.pid === pid;
    one.resume();
    story.tell(`SIGCONT ${name} after ${STOPPED_MS / 1000} s${same ? '' : '; it had been killed meanwhile'}`);
  },
});

const STORM_ROUNDS = 6;

/** Further members of a stage join and leave every five seconds. */
export const rebalanceStorm = (stage: Stage): Fault => ({
  name: `rebalance storm ${stage}`,
  beside: true,
  strike: async ({ cluster, story, random }) => {
    for (let round = 1; round <= STORM_ROUNDS; round++) {
      const one = await cluster.join(stage, `${stage}-guest`);
      await sleep(5_000);
      if (random.chance(0.5)) await one.abandon();
      else await one.stop();
    }
    story.tell(`${STORM_ROUNDS} guests of ${stage} joined and left, every five seconds`);
  },
});

/** The group's offsets in Kafka are moved while nobody is there. The positions in Postgres must not care. */
export const moveOffsets = (stage: Stage, to: 'earliest' | 'latest'): Fault => ({
  name: `offsets of ${stage} to ${to}`,
  strike: async (context) => {
    const { cluster, story } = context;
    const members = cluster.workers.get(stage) ?? [];
    await Promise.all(members.map((one) => one.stop()));
    try {
      await resetWhenEmpty(context, stage, to);
      story.tell(`the offsets of ${stage} were set to ${to} while no member ran`);
    } finally {
      for (const one of members) one.start();
    }
  },
});

/** Moves the group's offsets as soon as no member is left whose session has not ended. */
export async function resetWhenEmpty(
  { cluster }: Pick<FaultContext, 'cluster'>,
  stage: Stage,
  to: 'earliest' | 'latest',
): Promise<void> {
  const admin = cluster.kafka.admin();
  await admin.connect();
  try {
    const reset = async () => {
      await admin.resetOffsets({ groupId: stage, topic: topicOf(stage), earliest: to === 'earliest' });
      return true;
    };
    await until(`the group ${stage} is empty`, reset, { timeoutMs: 40_000, everyMs: 1_000 });
  } finally {
    await admin.disconnect();
  }
}
