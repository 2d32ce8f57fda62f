/**
 * Canonical bytes: fixed-width big-endian integers, counted lists, nothing optional.
 *
 * A `Reader` checks every length against the bytes that remain before it allocates, and a codec's
 * `decode` refuses input that is not exactly what `encode` would have written
 * (docs/protocol.md §1).
 */
import { assert } from './assert.ts';
import type { Bytes, Bytes32 } from './bytes.ts';
import { DecodeError } from './errors.ts';
import { MAX_U8, MAX_U16, MAX_U32, MAX_U64 } from './units.ts';

/** Appends protocol values to a growing buffer. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#place(value, MAX_U8, 1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#place(value, MAX_U16, 2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#place(value, MAX_U32, 4);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#place(value, MAX_U64, 8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  /** Bytes whose length both sides know. */
  bytes(value: Bytes, length: number): this {
    assert(value.length === length, `expected ${length} bytes, found ${value.length}`);
    const at = this.#grow(length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Bytes behind their u16 length. */
  shortBytes(value: Bytes): this {
    return this.u16(value.length).bytes(value, value.length);
  }

  /** Bytes behind their u32 length. */
  longBytes(value: Bytes): this {
    return this.u32(value.length).bytes(value, value.length);
  }

  /** A list behind its count: u8 where `max` is at most 255, else u16, else u32. */
  list<T>(values: readonly T[], max: number, write: (writer: Writer, value: T) => void): this {
    assert(values.length <= max, `list of ${values.length}, at most ${max}`);
    if (max <= MAX_U8) this.u8(values.length);
    else if (max <= MAX_U16) this.u16(values.length);
    else this.u32(values.length);
    for (const value of values) write(this, value);
    return this;
  }

  /** A value that may be absent: one byte 0 or 1, then the value. */
  option<T>(value: T | null, write: (writer: Writer, value: T) => void): this {
    if (value === null) return this.u8(0);
    this.u8(1);
    write(this, value);
    return this;
  }

  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for an integer that is in range. */
  #place(value: number | bigint, max: number | bigint, count: number): number {
    const isWhole = typeof value === 'bigint' || Number.isInteger(value);
    assert(isWhole && value >= 0 && value <= max, `integer out of range: ${value}`);
    return this.#grow(count);
  }

  #grow(count: number): number {
    const at = this.#length;
    const need = at + count;
    if (need > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(need, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = need;
    return at;
  }
}

/** Takes protocol values from a byte string, in order. `what` names it in errors. */
export class Reader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > MAX_U64) throw this.error('integer', `expected at most ${MAX_U64}, found ${value}`);
    return value;
  }

  /** A copy of the next `length` bytes. */
  bytes(length: number): Bytes {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  bytes32(): Bytes32 {
    return this.bytes(32) as Bytes32;
  }

  shortBytes(max: number): Bytes {
    return this.bytes(this.#bounded(this.u16(), max));
  }

  longBytes(max: number): Bytes {
    return this.bytes(this.#bounded(this.u32(), max));
  }

  /** A counted list. `minBytes` is the least that one item takes: it bounds the count. */
  list<T>(max: number, minBytes: number, read: (reader: Reader) => T): T[] {
    const count = max <= MAX_U8 ? this.u8() : max <= MAX_U16 ? this.u16() : this.u32();
    if (count > max) throw this.error('count', `expected at most ${max} items, found ${count}`);
    if (count * minBytes > this.remaining) {
      throw this.error('truncated', `${count} items do not fit in ${this.remaining} bytes`);
    }
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read(this));
    return values;
  }

  /** A byte from 1 to the newest version that is known. */
  version(newest: number): number {
    const found = this.u8();
    if (found < 1 || found > newest) {
      throw this.error('version', `expected version 1 to ${newest}, found ${found}`);
    }
    return found;
  }

  /** A byte that is 0 or 1. */
  flag(): boolean {
    const flag = this.u8();
    if (flag > 1) throw this.error('flag', `expected 0 or 1, found ${flag}`);
    return flag === 1;
  }

  option<T>(read: (reader: Reader) => T): T | null {
    return this.flag() ? read(this) : null;
  }

  /** Refuses anything left over. */
  end(): void {
    if (this.remaining !== 0) {
      throw this.error('trailing', `${this.remaining} bytes after the end`);
    }
  }

  error(kind: string, message: string): DecodeError {
    return new DecodeError(`decode/${kind}`, `${this.#what}: ${message} (byte ${this.#at})`);
  }

  #bounded(length: number, max: number): number {
    if (length > max) throw this.error('length', `expected at most ${max} bytes, found ${length}`);
    return length;
  }

  #take(count: number): number {
    if (count > this.remaining) {
      throw this.error('truncated', `expected ${count} more bytes, found ${this.remaining}`);
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

/** How one type is written to and read from canonical bytes. */
export interface Codec<T> {
  /** The type's name in error messages. */
  readonly name: string;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
  encode(value: T): Bytes;
  /** @throws {DecodeError} on anything but exactly one canonical value */
  decode(bytes: Bytes): T;
}

/**
 * Makes a codec of a pair of functions. `maxBytes` refuses longer input before reading it.
 *
 * Mark the call `@__PURE__`, so that bundlers drop the codecs that nobody uses.
 */
export function codec<T>(
  name: string,
  maxBytes: number,
  write: (writer: Writer, value: T) => void,
  read: (reader: Reader) => T,
): Codec<T> {
  return {
    name,
    write,
    read,
    encode(value) {
      const writer = new Writer();
      write(writer, value);
      return writer.finish();
    },
    decode(bytes) {
      if (bytes.length > maxBytes) {
        throw new DecodeError(
          'decode/length',
          `${name}: expected at most ${maxBytes} bytes, found ${bytes.length}`,
        );
      }
      const reader = new Reader(bytes, name);
      const value = read(reader);
      reader.end();
      return value;
    },
  };
}
