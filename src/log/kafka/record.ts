/**
 * How one record of a fetched batch is read. kafkajs copies all earlier headers for each, so that one record with 10,000
 * headers holds the process for longer than its session lasts, at every attempt, and its partition for ever. It also makes two
 * buffers a header and calculates times and offsets in 64-bit objects: a tenth of a busy worker's time. Here headers are
 * read as text, once, in linear time.
 */
import { createRequire } from 'node:module';
import { isForInstalled } from './patch.js';

/** The part of kafkajs' Decoder that is needed. */
export interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readInt8(): number;
  readVarInt(): number;
  readVarIntBytes(): Buffer | null;
}

/** What kafkajs knows of the batch; numbers are texts. */
export interface BatchContext {
  readonly firstOffset?: string;
  readonly firstTimestamp?: string;
  readonly maxTimestamp?: string;
  readonly magicByte?: number;
  readonly isControlBatch?: boolean;
  readonly timestampType?: number;
}

type Headers = Record<string, string | string[]>;
type Read = (decoder: Decoder, context?: BatchContext) => object;

const LONG = 128; // a length in more than one byte
const MOST_SHORT = 32; // headers that are read in one piece; an event has thirteen
const MOST_HEADERS = 256; // more than an event may have; the rest is read and dropped
const LOG_APPEND_TIME = 1;
const require = createRequire(import.meta.url);

/** Patches once per process, before the first fetch; false when the installed kafkajs is another version. */
export function patchRecords(): boolean {
  if (!isForInstalled()) return false;
  const path = require.resolve('kafkajs/src/protocol/recordBatch/record/v0/decoder');
  require(path);
  const loaded = require.cache[path];
  if (loaded !== undefined) loaded.exports = readRecord satisfies Read;
  return true;
}

/** One record, as kafkajs hands it on; its key and header values are text. */
export function readRecord(decoder: Decoder, context: BatchContext = {}) {
  const { firstOffset, firstTimestamp, maxTimestamp, timestampType, magicByte, isControlBatch = false } = context;
  const attributes = decoder.readInt8();
  const since = readVarLong(decoder);
  const timestamp =
    timestampType === LOG_APPEND_TIME && maxTimestamp ? maxTimestamp : String(Number(firstTimestamp ?? 0) + since);
  const offset = String(Number(firstOffset ?? 0) + decoder.readVarInt());
  const key = readText(decoder);
  const value = decoder.readVarIntBytes();
  const headers = readHeaders(decoder);
  const isControlRecord = isControlBatch;
  return { magicByte, attributes, timestamp, offset, key, value, headers, isControlRecord, batchContext: context };
}

/** A zigzag varint of up to 53 bits; a record's age and place in its batch are far below. */
function readVarLong(decoder: Decoder): number {
  let result = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = decoder.buffer[decoder.offset++] ?? 0;
    result += (byte & 127) * scale;
    if (byte < 128) return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
  }
}

function readHeaders(decoder: Decoder): Headers {
  const length = decoder.readVarInt();
  const text = length <= MOST_SHORT ? shortHeaders(decoder, length) : undefined;
  if (text !== undefined) return cutHeaders(text, length);
  const found: Headers = {};
  for (let i = 0; i < length; i++) {
    const name = readText(decoder) ?? '';
    const value = readText(decoder) ?? ''; // a header without a value is one with an empty value
    if (i < MOST_HEADERS) keep(found, name, value);
  }
  return found;
}

/** The bytes of short headers in ASCII, as an event has them, as one text with a character each; undefined for others. */
function shortHeaders(decoder: Decoder, count: number): string | undefined {
  const { buffer, offset } = decoder;
  let end = offset;
  for (let i = 0; i < 2 * count; i++) {
    const length = buffer[end] ?? LONG; // zigzag: twice the number
    if (length >= LONG || length % 2 === 1) return undefined;
    end += 1 + length / 2;
  }
  const text = buffer.toString('utf8', offset, end);
  if (text.length !== end - offset) return undefined; // more than a byte for a character, or there was no more
  decoder.offset = end;
  return text;
}

const names: string[] = []; // of the record before: nearly always the same ones, and known strings are the faster keys

function cutHeaders(text: string, count: number): Headers {
  const found: Headers = {};
  let at = 0;
  for (let i = 0; i < count; i++) {
    const nameEnd = at + 1 + text.charCodeAt(at) / 2;
    let name = names[i];
    if (name === undefined || name.length !== nameEnd - at - 1 || !text.startsWith(name, at + 1)) {
      name = text.slice(at + 1, nameEnd);
      names[i] = name;
    }
    at = nameEnd + 1 + text.charCodeAt(nameEnd) / 2;
    keep(found, name, text.slice(nameEnd + 1, at));
  }
  return found;
}

function keep(found: Headers, name: string, value: string): void {
  if (Object.hasOwn(found, name)) {
    const before = found[name] as string | string[];
    if (Array.isArray(before)) before.push(value);
    else found[name] = [before, value];
  } else if (name === '__proto__') {
    Object.defineProperty(found, name, { value, enumerable: true, writable: true });
  } else {
    found[name] = value;
  }
}

/** Without a buffer for it; null where there is none. */
function readText(decoder: Decoder): string | null {
  const length = decoder.readVarInt();
  if (length < 0) return null;
  const from = decoder.offset;
  decoder.offset += length;
  return decoder.buffer.toString('utf8', from, from + length);
}
