/** Writes the fields of the Kafka protocol into a buffer that is large enough. */
export class Writer {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  int8(value: number): void {
    this.bytes[this.at++] = value;
  }
  int16(value: number): void {
    this.at = this.bytes.writeInt16BE(value, this.at);
  }
  int32(value: number): void {
    this.at = this.bytes.writeInt32BE(value, this.at);
  }
  int64(value: number | bigint): void {
    this.at = this.bytes.writeBigInt64BE(BigInt(value), this.at);
  }
  /** With its length before it. */
  string(value: string): void {
    this.int16(Buffer.byteLength(value));
    this.text(value);
  }
  text(value: string): void {
    this.at += this.bytes.write(value, this.at);
  }
  ascii(value: string): void {
    this.at += this.bytes.write(value, this.at, 'latin1');
  }
  /** Zigzag, of a number from 0 up. */
  varint(value: number): void {
    let rest = value * 2;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 128;
    this.bytes[this.at++] = rest;
  }
  /** With its length before it; null has the length -1. */
  field(value: string | Buffer | null): void {
    if (value === null) {
      this.int8(1);
      return;
    }
    if (typeof value === 'string') {
      this.varint(Buffer.byteLength(value));
      this.text(value);
      return;
    }
    this.varint(value.length);
    this.at += value.copy(this.bytes, this.at);
  }
}
