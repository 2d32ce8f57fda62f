/**
 * Where a client keeps what it knows between two runs: a few named byte strings.
 *
 * What comes back is not trusted to be whole: a state that does not decode is as good as none.
 */
import type { Bytes } from '../primitives/bytes.ts';

export interface Store {
  get(name: string): Promise<Bytes | null>;
  set(name: string, value: Bytes): Promise<void>;
}

/** Keeps everything in memory: it is gone with the program. */
export function memoryStore(): Store {
  const values = new Map<string, Bytes>();
  return {
    get: async (name) => values.get(name)?.slice() ?? null,
    set: async (name, value) => {
      values.set(name, value.slice());
    },
  };
}
