/**
 * Cut blocks on their way through execution to a certificate (docs/consensus.md §10).
 */
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { Certifier } from './certifier.ts';
import type { Committee } from './committee.ts';
import { JournalHorizon } from './journal-horizon.ts';
import type { StepOutput } from './output.ts';
import type { LocalParams } from './params.ts';
import type { Alarm, BlockInput, CryptoPort, EpochRecord, Event, StoredState } from './types.ts';

export interface ExecutionPorts {
  readonly record: EpochRecord;
  readonly committee: Committee;
  readonly self: number | null;
  readonly local: LocalParams;
  readonly crypto: CryptoPort;
  readonly output: StepOutput;
  readonly nextRequestId: () => number;
  readonly wallTime: (now: number) => bigint;
  readonly halt: (reason: Alarm, info: string) => void;
}

export class Execution {
  readonly certifier: Certifier;
  readonly horizon: JournalHorizon;
  readonly #ports: ExecutionPorts;
  /** Blocks that are cut and not handed out. */
  readonly #blocks: BlockInput[] = [];
  #height: bigint;
  readonly #startRoot: Bytes32;
  #commit: bigint;
  #divergence: string | null;
  #lookedAtSize = 0n;
  #askedPeer = 0;

  constructor(ports: ExecutionPorts, stored: StoredState) {
    this.#ports = ports;
    const { record, committee, self, crypto, output } = ports;
    const { executed, certifiedSize, divergence } = stored;
    this.certifier = new Certifier(
      {
        ...{ committee, self, crypto, output, origin: record.origin },
        onCertified: (size) => this.#onCertified(size),
        onDivergence: (info, isCertified) => this.#diverge(info, isCertified),
      },
      stored.checkpointGuard,
      certifiedSize,
    );
    this.certifier.isStopped = divergence !== null;
    this.#height = executed.height;
    this.#startRoot = executed.root;
    this.#commit = executed.commitIndex;
    this.#divergence = divergence;
    this.horizon = new JournalHorizon(record.params.gcDepth);
    this.horizon.executed(executed.height, executed.commitIndex, certifiedSize);
  }

  /** The last executed block. */
  get height(): bigint {
    return this.#height;
  }

  /** The last commit in it. */
  get commit(): bigint {
    return this.#commit;
  }

  /** Why nothing is executed any more; null when all is well. */
  get divergence(): string | null {
    return this.#divergence;
  }

  /** Blocks that wait to be handed out. */
  get waiting(): number {
    return this.#blocks.length;
  }

  /** After boot: cosigns the last executed block again, and goes on. */
  begin(now: number): void {
    this.certifier.onExecuted(this.#height + 1n, this.#startRoot, ...this.#signing(now));
  }

  add(block: BlockInput): void {
    this.#blocks.push(block);
  }

  /** Hands blocks out, in order; pauses while certification lags (rule K6). */
  handOut(): void {
    const { local, output } = this.#ports;
    while (this.#blocks.length > 0 && this.#divergence === null) {
      const block = this.#blocks[0] as BlockInput;
      const lag = block.height + 1n - this.certifier.certifiedSize;
      if (lag > BigInt(local.maxUncertified)) {
        output.mark('executionPaused');
        return;
      }
      this.#blocks.shift();
      output.runAfterSync({ kind: 'execute', block });
    }
  }

  executed(event: Extract<Event, { kind: 'executed' }>, now: number): void {
    if (event.height <= this.#height) return;
    this.#height = event.height;
    this.#commit = event.header.commitIndex;
    this.horizon.executed(event.height, this.#commit, event.certifiedSize);
    this.certifier.onExecuted(event.height + 1n, event.root, ...this.#signing(now));
  }

  /** Rule K4: what was not certified since the last look may be certified elsewhere. */
  askCheckpoint(now: number): void {
    const { committee, self, local, output, nextRequestId } = this.#ports;
    const { certifiedSize, isLagging } = this.certifier;
    const isStuck = isLagging && certifiedSize === this.#lookedAtSize;
    this.#lookedAtSize = certifiedSize;
    if (!isStuck || committee.size < 2) return;
    // All that was executed, so that one answer is enough.
    const executedSize = this.#height + 1n;
    const size = executedSize > certifiedSize ? executedSize : certifiedSize + 1n;
    this.#askedPeer = (this.#askedPeer + 1) % committee.size;
    if (this.#askedPeer === self) this.#askedPeer = (this.#askedPeer + 1) % committee.size;
    output.run({
      kind: 'fetch',
      to: this.#askedPeer,
      requestId: nextRequestId(),
      request: { kind: 'checkpoint', epoch: committee.epoch, size },
      deadline: now + local.fetchTimeout,
    });
  }

  /** The seconds that a cosignature names, and whether there may be one. */
  #signing(now: number): [seconds: bigint, maySign: boolean] {
    return [this.#ports.wallTime(now) / 1_000n, this.#ports.self !== null];
  }

  /** Rule K5: whoever is left so far behind by what the others certify was wrong about the root. */
  #onCertified(size: bigint): void {
    const ahead = size - (this.#height + 1n);
    if (this.#divergence !== null && ahead > BigInt(this.#ports.local.maxUncertified)) {
      this.#ports.halt('divergence', this.#divergence);
    }
    this.handOut();
  }

  /** Rule K5: stop executing and cosigning, keep ordering, tell the operator. */
  #diverge(info: string, isCertified: boolean): void {
    const { output, halt } = this.#ports;
    if (this.#divergence === null) {
      this.#divergence = info;
      output.mark('divergence');
      output.write({ kind: 'divergence', info });
      output.runAfterSync({ kind: 'alarm', alarm: 'divergence', info, proof: [] });
    }
    // The others are certain: what was executed here has to be taken back, by an operator.
    if (isCertified) halt('divergence', info);
  }
}
