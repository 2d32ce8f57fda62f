/**
 * A running hash of everything a run did: two runs of one plan have the same, or chance crept in.
 */
export class Trace {
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;
  #count = 0;

  number(value: number): void {
    // Two halves, so that times beyond 2^32 count whole.
    const low = value | 0;
    const high = Math.floor(value / 0x1_0000_0000) | 0;
    this.#a = Math.imul(this.#a ^ low, 0x01000193);
    this.#b = Math.imul((this.#b << 5) ^ (this.#b >>> 27) ^ low ^ high, 0xc2b2ae35);
    this.#count++;
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.number(value.charCodeAt(i));
  }

  /** The first bytes of a digest stand for all of it. */
  digest(bytes: Uint8Array): void {
    for (let i = 0; i + 3 < bytes.length && i < 8; i += 4) {
      const word =
        ((bytes[i] as number) << 24) |
        ((bytes[i + 1] as number) << 16) |
        ((bytes[i + 2] as number) << 8) |
        (bytes[i + 3] as number);
      this.number(word);
    }
  }

  /** 16 hex digits. */
  hash(): string {
    const a = Math.imul(this.#a ^ (this.#a >>> 16), 0x85ebca6b) ^ this.#count;
    const b = Math.imul(this.#b ^ (this.#b >>> 13), 0xc2b2ae35) ^ a;
    return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
