/**
 * Messages on a stream: a u32 length, then that many bytes. The length is checked before anything
 * is allocated, so a peer that announces 4 GiB costs four bytes.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';

export const FRAME_HEADER_BYTES = 4;

/** Puts the length before `parts`, joined. */
export function frame(...parts: Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + length);
  new DataView(bytes.buffer).setUint32(0, length);
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Cuts what arrives in any pieces back into the messages that were sent. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #body: Uint8Array | null = null;
  #bodyFilled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Says whether the stream may end here: no frame is half read. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#body === null;
  }

  /**
   * Takes the next piece and hands each message it completes to `onFrame`. The messages are copies.
   *
   * @throws {DecodeError} `network/frame-length` on a length of 0 or above the limit
   */
  push(piece: Uint8Array | Iterable<Uint8Array>, onFrame: (body: Bytes) => void): void {
    if (piece instanceof Uint8Array) this.#take(piece, onFrame);
    else for (const part of piece) this.#take(part, onFrame);
  }

  #take(piece: Uint8Array, onFrame: (body: Bytes) => void): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#body === null) {
        this.#header[this.#headerFilled++] = piece[at++] as number;
        if (this.#headerFilled < FRAME_HEADER_BYTES) continue;
        const length = new DataView(this.#header.buffer).getUint32(0);
        if (length === 0 || length > this.#maxBytes) {
          throw new DecodeError(
            'network/frame-length',
            `expected a frame of 1 to ${this.#maxBytes} bytes, found ${length}`,
          );
        }
        this.#headerFilled = 0;
        // The whole frame is at hand: one copy, no buffer in between.
        if (piece.length - at >= length) {
          // Not `slice`: a Buffer's would share the socket's memory.
          const body = new Uint8Array(length);
          body.set(piece.subarray(at, at + length));
          at += length;
          onFrame(body);
          continue;
        }
        // Memory follows what has really come: a length alone reserves at most 64 KiB.
        this.#body = new Uint8Array(Math.min(length, 65_536));
        this.#bodyFilled = 0;
        this.#bodyLength = length;
      }
      const count = Math.min(this.#bodyLength - this.#bodyFilled, piece.length - at);
      this.#reserve(this.#bodyFilled + count);
      (this.#body as Uint8Array).set(piece.subarray(at, at + count), this.#bodyFilled);
      this.#bodyFilled += count;
      at += count;
      if (this.#bodyFilled === this.#bodyLength) {
        const body = (this.#body as Uint8Array).subarray(0, this.#bodyLength);
        this.#body = null;
        onFrame(body);
      }
    }
  }

  #bodyLength = 0;

  #reserve(need: number): void {
    const body = this.#body as Uint8Array;
    if (need <= body.length) return;
    const larger = new Uint8Array(Math.min(this.#bodyLength, Math.max(need, body.length * 2)));
    larger.set(body.subarray(0, this.#bodyFilled));
    this.#body = larger;
  }
}
