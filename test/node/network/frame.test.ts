import { FrameReader, frame } from 'fanal-node/network/frame.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('frames on a stream', () => {
  test('messages come out as they went in, however the stream cuts them', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((body) => frame(body)));
          const reader = new FrameReader(300);
          const got: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const length = cuts[i % cuts.length] as number;
            reader.push(stream.subarray(at, at + length), (body) => got.push(body.slice()));
            at += length;
          }
          expect(got.map((body) => [...body])).toEqual(messages.map((body) => [...body]));
          expect(reader.atBoundary).toBe(true);
        },
      ),
    );
  });

  test('a message made of parts is the parts joined', () => {
    const reader = new FrameReader(10);
    const got: number[][] = [];
    const bytes = frame(Uint8Array.of(1), Uint8Array.of(2, 3));
    reader.push([bytes.subarray(0, 5), bytes.subarray(5)], (body) => got.push([...body]));
    expect(got).toEqual([[1, 2, 3]]);
  });

  test.each([
    ['nothing', 0],
    ['one byte too many', 1_025],
    ['four gigabytes', 0xffff_ffff],
  ])('a frame that announces %s is refused before anything is allocated', (_what, length) => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, length);
    const reader = new FrameReader(1_024);
    expect(() => reader.push(header, () => {})).toThrow(/expected a frame of 1 to 1024 bytes/);
  });

  test('a frame of exactly the limit is taken', () => {
    const reader = new FrameReader(1_024);
    let length = 0;
    reader.push(frame(new Uint8Array(1_024)), (body) => {
      length = body.length;
    });
    expect(length).toBe(1_024);
  });

  test('a long frame that never comes reserves little memory', () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, 64 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 50 }, () => {
      const reader = new FrameReader(64 * 1024 * 1024);
      reader.push(header, () => {});
      reader.push(new Uint8Array(1), () => {});
      return reader;
    });
    expect(readers.every((reader) => !reader.atBoundary)).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 100_000);
  });
});
