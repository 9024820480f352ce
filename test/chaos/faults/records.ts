/** Records put on the topics by hand: real events once more, old ones, in another order, and ones that are no events. */
import { appendFileSync } from 'node:fs';
import { type Message, Partitioners, type Producer } from 'kafkajs';
import { BY_HAND, STAGES, type Stage, topicOf } from '../layout.js';
import { shuffled } from '../random.js';
import type { Fault, FaultContext } from './fault.js';
import { POISONS, type Sample } from './poison.js';

async function withProducer(context: FaultContext, work: (producer: Producer) => Promise<void>): Promise<void> {
  const producer = context.cluster.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    await work(producer);
  } finally {
    await producer.disconnect();
  }
}

/** Events of a stage from the journal: some of the oldest, or these and some of the newest. */
async function samplesOf({ cluster }: FaultContext, stage: Stage, many: number, oldOnly = false): Promise<Sample[]> {
  const newest = oldOnly ? 0 : 300;
  return cluster.sql<Sample[]>`select * from (
    select distinct on (tenant_id, case_id, seq) * from (
      (select * from journal where stage = ${stage} order by time desc limit ${newest}) union all
      (select * from journal where stage = ${stage} order by time limit 300)) j) j order by random() limit ${many}`;
}

/** The record that carries an event, as the documentation of the topics says. */
function recordOf(event: Sample): Message {
  return {
    key: `${event.tenant_id}:${event.case_id}`,
    value: JSON.stringify(event.data),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.event_id,
      ce_type: event.type,
      ce_source: `/millrace/${event.emitter}`,
      ce_time: event.time.toISOString(),
      ce_dataschema: `urn:millrace:event:${event.type}:1`,
      ce_tenantid: event.tenant_id,
      ce_caseid: event.case_id,
      ce_seq: String(event.seq),
      ce_after: String(event.after),
      'content-type': 'application/json',
      ...(event.cause_id !== null && { ce_causeid: event.cause_id }),
    },
  };
}

const MANY = 100;

/** Real events once more, shuffled: repeats, stale ones, and later ones before earlier ones. */
export const sendAgain: Fault = {
  name: 'repeated and stale records',
  strike: async (context) => {
    let count = 0;
    await withProducer(context, async (producer) => {
      for (const stage of STAGES) {
        const records = (await samplesOf(context, stage, MANY)).map(recordOf);
        const marked = shuffled(context.random, records).map((record) => ({
          ...record,
          headers: { [BY_HAND]: 'again', ...record.headers },
        }));
        if (marked.length > 0) await producer.send({ topic: topicOf(stage), messages: marked, acks: -1 });
        count += marked.length;
      }
    });
    context.story.tell(`put ${count} real events on their topics once more, in any order`);
  },
};

/** Every kind of bad record on every topic; where each one went is written down for the judge. */
export const poison: Fault = {
  name: 'poison',
  strike: async (context) => {
    let count = 0;
    await withProducer(context, async (producer) => {
      for (const stage of STAGES) {
        const samples = await samplesOf(context, stage, POISONS.length, true); // handled long ago
        for (const [index, { name, codes, make, only }] of POISONS.entries()) {
          const sample = samples[index % Math.max(1, samples.length)];
          if (!sample || (only && only !== stage)) continue;
          const made = make(recordOf(sample), sample);
          const message = { ...made, headers: { [BY_HAND]: `poison:${name}`, ...made.headers } };
          const topic = topicOf(stage);
          const [sent] = await producer.send({ topic, messages: [message], acks: -1 });
          const place = { topic, partition: sent?.partition, off: Number(sent?.baseOffset) };
          appendFileSync(context.poisonFile, `${JSON.stringify({ name, codes, ...place })}\n`);
          count++;
        }
      }
    });
    context.story.tell(`put ${count} bad records on the topics, ${POISONS.length} kinds`);
  },
};
