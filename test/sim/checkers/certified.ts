/**
 * S10: one certified root per size, and each certificate verifies with the code that a light client
 * runs; so do the handovers from genesis to the end of the run.
 */
import { judgeCertification, planCertification } from 'fanal/checkpoint/certify.ts';
import type { CosignedCheckpoint } from 'fanal/checkpoint/cosigned.ts';
import { follow } from 'fanal/light/follow.ts';
import type { Handover } from 'fanal/light/handover.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { consistencyProof, inclusionProof, listHasherOf } from 'fanal/merkle/list.ts';
import { equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import type { CertifiedCheckpoint } from 'fanal-node/core/types.ts';
import { fastHash } from '../keys.ts';
import type { ExecutedBlock, SimLedger } from '../ledger.ts';
import { GENESIS_TIME } from '../membership.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Simulation } from '../simulation.ts';

const hasher = listHasherOf(fastHash);
/** The client of the simulator never sleeps too long. */
const TRUSTING_PERIOD_MILLIS = 1_000_000_000n;

export class CertifiedChecker implements Observer {
  readonly #simulation: Simulation;
  readonly #roots = new Map<bigint, Uint8Array>();
  /** One certificate of each size, as the light client gets it. */
  readonly #certificates = new Map<bigint, CosignedCheckpoint>();
  readonly #seen = new WeakSet<CertifiedCheckpoint>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  executed(node: SimNode, { header, root }: ExecutedBlock): void {
    if (!node.ledger.wrong) this.#sameRoot(node, header.height + 1n, root);
  }

  certified(node: SimNode, checkpoint: CertifiedCheckpoint): void {
    const { size, root, epoch } = checkpoint;
    this.#sameRoot(node, size, root);
    if (this.#seen.has(checkpoint)) return;
    this.#seen.add(checkpoint);
    const cosigned = cosignedOf(checkpoint);
    const { membership, signatures } = this.#simulation;
    try {
      const plan = planCertification(cosigned, membership.genesis.origin, membership.set(epoch));
      judgeCertification(plan, plan.items.map(signatures.verify));
    } catch (error) {
      throw new Violation('S10', `the certificate of size ${size} does not verify: ${error}`);
    }
    this.#certificates.set(size, cosigned);
  }

  /** Leads a light client from genesis to the newest certificate, handover by handover. */
  async followFromGenesis(): Promise<void> {
    const { machines, membership, signatures } = this.#simulation;
    const ledgers = machines.flatMap((machine) =>
      machine?.ledger.wrong === false ? [machine.ledger] : [],
    );
    if (ledgers.length === 0) return;
    const ledger = ledgers.reduce((best, one) => (one.height > best.height ? one : best));
    const sizes = [...this.#certificates.keys()].filter((size) => size <= ledger.height + 1n);
    const newest = sizes.toSorted((a, b) => (a < b ? -1 : 1)).at(-1) ?? 0n;
    if (newest === 0n) return;
    const header = membership.genesisHeader;
    const trust: TrustState = {
      origin: membership.genesis.origin,
      genesisId: membership.genesis.genesisId,
      prefix: 'dfan',
      trustingPeriodMillis: TRUSTING_PERIOD_MILLIS,
      validators: membership.set(0),
      header,
      root: ledger.leaves[0] as TrustState['root'],
      cosignatures: [],
      sureAt: GENESIS_TIME,
    };
    const checkpoint = this.#certificates.get(newest) as CosignedCheckpoint;
    const handovers = this.#handovers(ledger, newest);
    const update = {
      from: { size: 1n, root: trust.root },
      handovers,
      checkpoint,
      header: ledger.header(newest - 1n) as TrustState['header'],
      inclusion: inclusionProof(ledger.leaves, newest - 1n, newest, hasher),
      consistency: consistencyProof(ledger.leaves, 1n, newest, hasher),
    };
    const now = checkpoint.cosignatures.reduce(
      (latest, { time }) => (time * 1_000n > latest ? time * 1_000n : latest),
      update.header.time,
    );
    try {
      const { verdict } = await follow(trust, update, { now, verify: signatures.verifyBatch });
      if (verdict.kind === 'forked') throw new Error('it sees a fork');
    } catch (error) {
      throw new Violation('S10', `a light client does not get to size ${newest}: ${error}`);
    }
  }

  #handovers(ledger: SimLedger, newest: bigint): Handover[] {
    const handovers: Handover[] = [];
    for (const { header, next } of ledger.blocks) {
      const size = header.height + 1n;
      if (next === null || size >= newest) continue;
      const checkpoint = this.#certificates.get(size);
      if (checkpoint === undefined) {
        throw new Violation('S10', `epoch ${next.epoch} began without a certified handover`);
      }
      const same = equalBytes(header.nextValidatorsHash, header.validatorsHash);
      handovers.push({
        checkpoint,
        header,
        path: inclusionProof(ledger.leaves, header.height, size, hasher),
        nextValidators: same ? null : this.#simulation.membership.set(next.epoch),
      });
    }
    return handovers;
  }

  #sameRoot(node: SimNode, size: bigint, root: Uint8Array): void {
    const known = this.#roots.get(size);
    if (known === undefined) this.#roots.set(size, root);
    else if (!equalBytes(known, root)) {
      throw new Violation(
        'S10',
        `validator ${node.validator} has root ${toHex(root)} at size ${size}, others ${toHex(known)}`,
      );
    }
  }
}

/** A certificate as the protocol's own types have it. */
export function cosignedOf({ size, root, cosignatures }: CertifiedCheckpoint): CosignedCheckpoint {
  return {
    size,
    root,
    cosignatures: cosignatures.map(({ author, cosignature: { time, signature } }) => ({
      validator: author,
      time,
      signature,
    })),
  };
}
