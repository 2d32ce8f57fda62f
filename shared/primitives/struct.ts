/**
 * Codecs of plain records, written as the list of their fields in byte order.
 */
import type { Bytes, Bytes32 } from './bytes.ts';
import { type Codec, codec, type Reader, type Writer } from './codec.ts';

/** How one field is written and read. Every codec is a field, too. */
export interface Field<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

/** A field for each key, in the order in which they stand in the bytes. */
export type Fields<T> = { readonly [Key in keyof T]-?: Field<T[Key]> };

/**
 * Makes a codec of a record's fields. `maxBytes` refuses longer input before reading it; `version`
 * is a byte in front that the record itself does not carry.
 */
export function struct<T extends object>(
  name: string,
  maxBytes: number,
  fields: Fields<T>,
  version?: number,
): Codec<T> {
  const keys = Object.keys(fields) as (keyof T)[];
  return codec(
    name,
    maxBytes,
    (writer, value) => {
      if (version !== undefined) writer.u8(version);
      for (const key of keys) fields[key].write(writer, value[key]);
    },
    (reader) => {
      if (version !== undefined) reader.version(version);
      const value = {} as T;
      for (const key of keys) value[key] = fields[key].read(reader);
      return value;
    },
  );
}

export const u8: Field<number> = {
  write: (writer, value) => {
    writer.u8(value);
  },
  read: (reader) => reader.u8(),
};

export const u16: Field<number> = {
  write: (writer, value) => {
    writer.u16(value);
  },
  read: (reader) => reader.u16(),
};

export const u32: Field<number> = {
  write: (writer, value) => {
    writer.u32(value);
  },
  read: (reader) => reader.u32(),
};

export const u64: Field<bigint> = {
  write: (writer, value) => {
    writer.u64(value);
  },
  read: (reader) => reader.u64(),
};

/** A byte that is 0 or 1. */
export const flag: Field<boolean> = {
  write: (writer, value) => {
    writer.u8(value ? 1 : 0);
  },
  read: (reader) => reader.flag(),
};

/** Bytes of a fixed length. */
export function fixed<T extends Bytes = Bytes>(length: number): Field<T> {
  return {
    write: (writer, value) => {
      writer.bytes(value, length);
    },
    read: (reader) => reader.bytes(length) as T,
  };
}

export const bytes32: Field<Bytes32> = /* @__PURE__ */ fixed<Bytes32>(32);

/** Bytes behind their u16 length, at most `max` of them. */
export function short(max: number): Field<Bytes> {
  return {
    write: (writer, value) => {
      writer.shortBytes(value);
    },
    read: (reader) => reader.shortBytes(max),
  };
}

/** A counted list of at most `max` items that take `minBytes` each. */
export function listOf<T>(max: number, minBytes: number, item: Field<T>): Field<readonly T[]> {
  return {
    write: (writer, values) => {
      writer.list(values, max, item.write);
    },
    read: (reader) => reader.list(max, minBytes, item.read),
  };
}

/** A value that may be absent: a flag, then the value. */
export function optional<T>(item: Field<T>): Field<T | null> {
  return {
    write: (writer, value) => {
      writer.option(value, item.write);
    },
    read: (reader) => reader.option(item.read),
  };
}
