/**
 * The bytes of a fetch request. kafkajs makes an encoder, 512 zeroed bytes, for the request, for each topic and for each
 * partition; a consumer that waits for rare records asks once for each of them.
 */
import { patchEncoding } from './encoding.js';
import { Writer } from './writer.js';

/** What kafkajs gives to its version 11 of the request. */
export interface FetchRequest {
  readonly replicaId: number;
  readonly maxWaitTime: number; // ms
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchedPartition[] }[];
  readonly rackId?: string;
  readonly isolationLevel?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly forgottenTopics?: readonly object[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly currentLeaderEpoch?: number;
  readonly fetchOffset: { toString(): string };
  readonly logStartOffset?: { toString(): string };
  readonly maxBytes: number;
}

const READ_COMMITTED = 1;
const HEAD = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4;
const PARTITION = 4 + 4 + 8 + 8 + 4;

/** Before the first request; false when the installed kafkajs is another version. */
export const patchFetch = (): boolean =>
  patchEncoding('fetch/v11', ({ forgottenTopics = [] }: FetchRequest) => forgottenTopics.length === 0, encodeFetch);

/** Version 11 of the request's body, without topics to forget. */
function encodeFetch(request: FetchRequest): Buffer {
  const { topics, rackId = '' } = request;
  let size = HEAD + 4 + 2 + Buffer.byteLength(rackId);
  for (const { topic, partitions } of topics) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * PARTITION;
  const out = new Writer(Buffer.allocUnsafe(size));
  out.int32(request.replicaId);
  out.int32(request.maxWaitTime);
  out.int32(request.minBytes);
  out.int32(request.maxBytes);
  out.int8(request.isolationLevel ?? READ_COMMITTED);
  out.int32(request.sessionId ?? 0);
  out.int32(request.sessionEpoch ?? -1);
  out.int32(topics.length);
  for (const { topic, partitions } of topics) {
    out.string(topic);
    out.int32(partitions.length);
    for (const partition of partitions) writePartition(out, partition);
  }
  out.int32(0); // topics to forget
  out.string(rackId);
  return out.bytes;
}

function writePartition(out: Writer, of: FetchedPartition): void {
  out.int32(of.partition);
  out.int32(of.currentLeaderEpoch ?? -1);
  out.int64(BigInt(String(of.fetchOffset)));
  out.int64(BigInt(String(of.logStartOffset ?? -1)));
  out.int32(of.maxBytes);
}
