/**
 * Executed blocks of one group: every validator hands in the block it cut, and all of them get the
 * result of executing it once, provided that it is the same block, byte for byte.
 */

import { type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import type { BlockInput } from '../core/types.ts';
import { nativeTaggedHash } from '../runtime/native-crypto.ts';
import type { Execution } from './group-protocol.ts';

interface Height {
  readonly fingerprint: Bytes32;
  execution: Execution | null;
  waiting: ((execution: Execution) => void)[];
}

export interface SharedExecutionOptions {
  /** The first block of its height here. */
  onFirst(block: BlockInput, fingerprint: Bytes32): void;
  onFork(height: bigint, validator: number): void;
}

export class SharedExecution {
  readonly #options: SharedExecutionOptions;
  readonly #heights = new Map<bigint, Height>();
  readonly #early = new Map<bigint, Execution>();

  constructor(options: SharedExecutionOptions) {
    this.#options = options;
  }

  /** Calls back once the block is executed; never, when others cut another one. */
  execute(validator: number, block: BlockInput, onExecuted: (execution: Execution) => void): void {
    const fingerprint = fingerprintOf(block);
    const known = this.#heights.get(block.height);
    if (known === undefined) {
      const execution = this.#early.get(block.height) ?? null;
      this.#early.delete(block.height);
      const height: Height = { fingerprint, execution, waiting: [] };
      this.#heights.set(block.height, height);
      // Told even when the result is here already: the main thread compares groups.
      this.#options.onFirst(block, fingerprint);
      if (execution === null) height.waiting.push(onExecuted);
      else onExecuted(execution);
      return;
    }
    if (!equalBytes(known.fingerprint, fingerprint)) {
      this.#options.onFork(block.height, validator);
      return;
    }
    if (known.execution === null) known.waiting.push(onExecuted);
    else onExecuted(known.execution);
  }

  /** A block is executed, whether or not anyone here has cut it yet. */
  executed(execution: Execution): void {
    const known = this.#heights.get(execution.height);
    if (known === undefined) {
      this.#early.set(execution.height, execution);
      return;
    }
    known.execution = execution;
    const { waiting } = known;
    known.waiting = [];
    for (const callback of waiting) callback(execution);
  }

  blockId(height: bigint): Bytes32 | null {
    return this.#heights.get(height)?.execution?.blockId ?? null;
  }
}

/** A hash of everything that a block's execution depends on. */
export function fingerprintOf(block: BlockInput): Bytes32 {
  const writer = new Writer(4_096);
  writer
    .u32(block.epoch)
    .u8(block.lastOfEpoch ? 1 : 0)
    .u64(block.height)
    .u64(block.time);
  writer.u64(block.commitIndex).bytes(block.commitDigest, 32);
  writer.bytes(block.consensusSnapshotHash, 32).u32(block.transactions.length);
  for (const count of block.rewards) writer.u32(count);
  for (const { author, round, second } of block.equivocations) {
    writer.u16(author).u32(round).bytes(second.digest, 32);
  }
  for (const { length } of block.transactions) writer.u32(length);
  return nativeTaggedHash('fanal/consensus-snapshot/v1', writer.finish(), ...block.transactions);
}
