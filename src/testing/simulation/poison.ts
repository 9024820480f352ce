/** Records that nobody should ever put on a topic. */
import type { LogRecord } from '../../core/envelope.js';
import { STAGES, TOPIC_OF } from '../../core/stages.js';
import { REPLAY_HEADER } from '../../runtime/letter.js';
import { PARTITIONS, type SimPartition } from './log.js';
import type { World } from './world.js';

const KINDS = [
  'no JSON',
  'no value',
  'unknown type',
  'unknown tenant',
  'no such case',
  'forged ahead',
  'forged again',
] as const;

/** Puts one on a random partition, made of what stands there already where that helps. */
export function putPoison(world: World): void {
  const { random, log } = world;
  const stage = random.pick(STAGES);
  const index = random.below(PARTITIONS);
  const partition = log.topics[stage][index] as SimPartition;
  // A replayed one names its letter: what is made of it would be that letter once more, and have none of its own.
  const model = partition.records.find(({ headers }) => headers.ce_id !== undefined && !(REPLAY_HEADER in headers));
  const kind = model === undefined ? 'no JSON' : random.pick(KINDS);
  const offset = partition.append({ topic: TOPIC_OF[stage], ...bad(world, kind, model) });
  world.poison.push({ stage, partition: index, offset, kind });
  world.faults.note(`a record that is poison (${kind}) is put on ${TOPIC_OF[stage]}/${index} at ${offset}`);
  log.readers?.wake(stage);
}

function bad(world: World, kind: (typeof KINDS)[number], model: LogRecord | undefined) {
  const { key = 'k', value = null, headers = {} } = model ?? {};
  const id = world.newId();
  switch (kind) {
    case 'no JSON':
      return { key, value: '{"a":', headers };
    case 'no value':
      return { key, value: null, headers };
    case 'unknown type':
      return { key, value, headers: { ...headers, ce_type: 'TradeExploded' } };
    case 'unknown tenant':
      return { key: `nobody:${id}`, value, headers: { ...headers, ce_tenantid: 'nobody', ce_caseid: id } };
    case 'no such case':
      return { key: `acme:${id}`, value, headers: { ...headers, ce_caseid: id } };
    case 'forged ahead':
      return { key, value, headers: { ...headers, ce_id: id, ce_seq: String(aheadOf(world, headers)), ce_after: '0' } };
    case 'forged again':
      return { key, value, headers: { ...headers, ce_id: id } };
  }
}

const aheadOf = ({ database }: World, { ce_tenantid, ce_caseid }: LogRecord['headers']): number =>
  (database.tables.cases.rows.get(`${ce_tenantid}:${ce_caseid}`)?.seq ?? 0) + 3;
