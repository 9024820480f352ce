/** Replays the dead letter of a topic that is a source: it is read again here, because others read that topic, too. */
import type { PackVersion } from '../../stages/contract.js';
import type { DeadLetterRecord, Tx, Unpublished } from '../../store/port.js';
import type { Ingestion } from '../ingest.js';
import { SOURCE_HEADER } from '../letter.js';
import { letterOf, prepare } from './record.js';

export interface SourceReplay {
  readonly ingestion: Pick<Ingestion, 'acceptIn'>;
  readonly newId: () => string; // UUID
}

export const sourceOf = ({ headers }: DeadLetterRecord): string | undefined => headers[SOURCE_HEADER];

/** Within the transaction that settles it. What cannot be read this time either is the same letter once more. */
export async function replayRecord(
  tx: Tx,
  letter: DeadLetterRecord,
  source: string,
  pack: PackVersion,
  { ingestion, newId }: SourceReplay,
): Promise<readonly (Unpublished | null)[]> {
  const { tenantId, topic, partition, offset, deadLetterId } = letter;
  const input = letter.edited ?? letter;
  const { [SOURCE_HEADER]: _, ...headers } = input.headers;
  const record = { offset, key: input.key, value: Buffer.from(input.value, 'base64'), headers };
  const of = { tenantId, source, topic };
  const receivedAt = new Date(await tx.now()).toISOString();
  const prepared = prepare({ of, partition, pack, receivedAt, newId }, record);
  if (prepared.kind === 'request') return (await ingestion.acceptIn(tx, [prepared.request])).batches;
  if (prepared.kind === 'skipped') return [];
  const position = { group: '', topic, epoch: 0, partition };
  const again = { ...letterOf(of, position, record, prepared.problem), deadLetterId };
  return [await tx.write({ cases: [], journal: [], deadLetters: [again] })];
}
