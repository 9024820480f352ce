/**
 * The bytes of a produce request. kafkajs makes an encoder, 512 zeroed bytes, for every header of every record and
 * copies each of them up through record, batch and topic: a sixth of a busy worker's time, and garbage besides. Here a
 * batch is written once, into one buffer of its exact size.
 */
import { createRequire } from 'node:module';
import { patchEncoding } from './encoding.js';
import { Writer } from './writer.js';

export interface ProducedMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly timestamp?: string;
}

export interface ProducedPartition {
  readonly partition: number;
  readonly messages: readonly ProducedMessage[];
}

/** What kafkajs gives to its version 3 of the request, on which the later ones are built. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null;
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly ProducedPartition[] }[];
}

const BATCH_HEAD = 61; // from the first offset to the count of records
const BEFORE_CRC = 21; // offset, length, epoch, magic, checksum
const MAGIC = 2;
const require = createRequire(import.meta.url);
/** Signed. kafkajs' own takes a byte at a time, four times as long; this part of the package has no types. */
const crc32c: { buf(bytes: Buffer): number } = require('crc-32/crc32c.js');

/** Before the first request; false when the installed kafkajs is another version. */
export const patchProduce = (): boolean =>
  patchEncoding('produce/v3', isPlain, (request: ProduceRequest) => encodeProduce(request, Date.now()));

/** What Millrace sends: no transaction, no idempotence, no compression, one value a header, the broker's own time. */
function isPlain({ transactionalId, producerId, compression, topicData }: ProduceRequest): boolean {
  if ((transactionalId ?? null) !== null || (compression ?? 0) !== 0 || String(producerId ?? -1) !== '-1') return false;
  return topicData.every(({ partitions }) => partitions.every(({ messages }) => messages.every(isPlainMessage)));
}

function isPlainMessage({ key, value, headers, timestamp }: ProducedMessage): boolean {
  if (timestamp !== undefined || !isText(key ?? null) || !isText(value)) return false;
  for (const name in headers) if (!isText(headers[name]) || headers[name] === null) return false;
  return true;
}

const isText = (value: unknown): boolean => typeof value === 'string' || value === null || Buffer.isBuffer(value);

/** Version 3 of the request's body, `now` (epoch ms) as the time of every record. */
export function encodeProduce({ acks, timeout, topicData }: ProduceRequest, now: number): Buffer {
  let total = 2 + 2 + 4 + 4;
  const topics = topicData.map(({ topic, partitions }) => {
    const measured = partitions.map((one) => ({ ...one, ...sizesOf(one.messages) }));
    for (const { size } of measured) total += 4 + 4 + size;
    total += 2 + Buffer.byteLength(topic) + 4;
    return { topic, measured };
  });
  const out = new Writer(Buffer.allocUnsafe(total));
  out.int16(-1); // no transaction
  out.int16(acks);
  out.int32(timeout);
  out.int32(topics.length);
  for (const { topic, measured } of topics) {
    out.string(topic);
    out.int32(measured.length);
    for (const one of measured) writePartition(out, one, now);
  }
  return out.bytes;
}

interface Sizes {
  readonly size: number; // of the batch
  readonly bodies: readonly Body[];
}

interface Body {
  readonly size: number; // of the record, without its length
  readonly count: number; // of its headers
  readonly headers: string | undefined; // in one piece, where they can be written so
}

const SHORT = 64; // the length of a shorter field is one byte, twice the number
const LENGTHS = Array.from({ length: SHORT }, (_, length) => String.fromCharCode(length * 2));
const MOST_KEPT = 32; // headers of a record; an event has thirteen
const ASCII = /^[\0-\x7f]*$/;

function sizesOf(messages: readonly ProducedMessage[]): Sizes {
  let size = BATCH_HEAD;
  const bodies: Body[] = [];
  for (let i = 0; i < messages.length; i++) {
    const body = bodyOf(messages[i] as ProducedMessage, i);
    bodies.push(body);
    size += varintSize(body.size) + body.size;
  }
  return { size, bodies };
}

function bodyOf({ key, value, headers }: ProducedMessage, delta: number): Body {
  let count = 0;
  for (const _ in headers) count++;
  const size = 2 + varintSize(delta) + fieldSize(key ?? null) + fieldSize(value) + varintSize(count);
  const text = inOnePiece(headers);
  if (text !== undefined) return { size: size + text.length, count, headers: text };
  let long = 0;
  for (const name in headers) long += fieldSize(name) + fieldSize(headers[name] as string | Buffer);
  return { size: size + long, count, headers: undefined };
}

interface Piece {
  readonly name: string;
  readonly value: string;
  readonly text: string;
}
const before: Piece[] = []; // the headers of the record before, of which most are this one's, too
const texts: string[] = [];

/** Short headers in ASCII, as an event has: one write instead of four for each of them. Joined, since a sum of pieces is a tree. */
function inOnePiece(headers: ProducedMessage['headers']): string | undefined {
  let count = 0;
  for (const name in headers) {
    const value = headers[name];
    let piece = before[count];
    if (piece === undefined || piece.value !== value || piece.name !== name) {
      if (typeof value !== 'string' || name.length >= SHORT || value.length >= SHORT) return undefined;
      piece = { name, value, text: `${LENGTHS[name.length]}${name}${LENGTHS[value.length]}${value}` };
      if (count < MOST_KEPT) before[count] = piece;
    }
    texts[count++] = piece.text;
  }
  texts.length = count;
  const text = texts.join('');
  return ASCII.test(text) ? text : undefined;
}

function fieldSize(value: string | Buffer | null): number {
  if (value === null) return 1;
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  return varintSize(length) + length;
}

/** Bytes of a zigzag varint of a number from 0 up. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value * 2; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

function writePartition(
  out: Writer,
  { partition, messages, size, bodies }: ProducedPartition & Sizes,
  now: number,
): void {
  out.int32(partition);
  out.int32(size);
  const start = out.at;
  out.int64(0); // the broker numbers them
  out.int32(size - 12);
  out.int32(0); // leader's epoch
  out.int8(MAGIC);
  out.at = start + BEFORE_CRC;
  out.int16(0); // no compression, the producer's time
  out.int32(messages.length - 1);
  out.int64(now);
  out.int64(now);
  out.int64(-1); // no producer id
  out.int16(0);
  out.int32(0);
  out.int32(messages.length);
  for (let i = 0; i < messages.length; i++) {
    writeRecord(out, messages[i] as ProducedMessage, i, bodies[i] as Body);
  }
  out.bytes.writeInt32BE(crc32c.buf(out.bytes.subarray(start + BEFORE_CRC, out.at)), start + BEFORE_CRC - 4);
}

function writeRecord(out: Writer, { key, value, headers }: ProducedMessage, delta: number, body: Body): void {
  out.varint(body.size);
  out.int8(0); // attributes
  out.int8(0); // as late as the batch
  out.varint(delta);
  out.field(key ?? null);
  out.field(value);
  out.varint(body.count);
  if (body.headers !== undefined) {
    out.ascii(body.headers);
    return;
  }
  for (const name in headers) {
    out.field(name);
    out.field(headers[name] as string | Buffer);
  }
}
