/**
 * From executed blocks to certified checkpoints (docs/consensus.md §10).
 *
 * The guard is on disk before a cosignature leaves. Others' cosignatures are verified only when
 * they can make a quorum, or when they speak for another root than ours.
 */
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, addAuthor, authorsOf, emptySet } from './author-set.ts';
import { RootClaims } from './claims.ts';
import type { Committee } from './committee.ts';
import {
  MAX_OPEN_SIZES,
  MAX_REPORT_SIZES,
  MAX_ROOTS_PER_AUTHOR,
  REPORT_DELAY_MILLIS,
} from './limits.ts';
import type { StepOutput } from './output.ts';
import type {
  AuthoredCosignature,
  CertifiedCheckpoint,
  CheckpointGuard,
  Cosignature,
  CryptoPort,
} from './types.ts';

/** All claims for one size. */
interface OpenSize {
  readonly size: bigint;
  /** Root that execution here gave; null before. */
  ownRoot: Bytes32 | null;
  /** Almost always one root. */
  readonly roots: RootClaims[];
}

interface Report {
  readonly size: bigint;
  readonly dueAt: number;
  readonly root: Bytes32;
  readonly matched: AuthorSet;
  readonly mismatched: AuthorSet;
}

export interface CertifierPorts {
  readonly committee: Committee;
  readonly self: number | null;
  readonly origin: string;
  readonly crypto: CryptoPort;
  readonly output: StepOutput;
  readonly onCertified: (size: bigint) => void;
  /** Another root has an honest validator behind it, or is certified. */
  readonly onDivergence: (info: string, isCertified: boolean) => void;
}

export class Certifier {
  readonly #ports: CertifierPorts;
  readonly #open = new Map<bigint, OpenSize>();
  readonly #reports = new Map<bigint, Report>();
  /** Certified roots that execution has not reached: what it comes to is held against them. */
  readonly #ahead = new Map<bigint, Bytes32>();
  #executedSize = 0n;
  #guard: CheckpointGuard;
  /** Our newest cosignature: it travels again in every vertex until it is certified. */
  newest: Cosignature | null = null;
  certifiedSize: bigint;
  isStopped = false;
  /** The driver's clock at this step. */
  now = 0;

  constructor(ports: CertifierPorts, guard: CheckpointGuard, certifiedSize: bigint) {
    this.#ports = ports;
    this.#guard = guard;
    this.certifiedSize = certifiedSize;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A block is executed: cosigns its checkpoint, unless the guard forbids it (rules K1, K2). */
  onExecuted(size: bigint, root: Bytes32, seconds: bigint, maySign: boolean): void {
    const certified = this.#ahead.get(size);
    for (const known of this.#ahead.keys()) if (known <= size) this.#ahead.delete(known);
    this.#executedSize = size;
    if (certified !== undefined && !equalBytes(certified, root)) {
      this.#diverge(size, certified, true);
      return;
    }
    const open = this.#openSize(size);
    if (open === null) return;
    open.ownRoot = root;
    if (maySign && !this.isStopped) this.#cosign(size, root, seconds);
    this.#judge(open);
  }

  /** A cosignature of a peer, unverified. */
  onCosignature(author: number, cosignature: Cosignature): void {
    this.#noteReport(author, cosignature);
    const open = this.#openSize(cosignature.size);
    if (open === null || author === this.#ports.self) return;
    const known = open.roots.find(({ root }) => equalBytes(root, cosignature.root));
    if (known === undefined) {
      const claimed = open.roots.filter((claims) => claims.has(author)).length;
      if (claimed >= MAX_ROOTS_PER_AUTHOR) return;
    }
    (known ?? this.#claimsFor(open, cosignature.root)).add(author, cosignature);
    this.#judge(open);
  }

  onVerified(
    size: bigint,
    root: Bytes32,
    good: readonly AuthoredCosignature[],
    bad: readonly AuthoredCosignature[],
  ): void {
    const open = this.#open.get(size);
    const claims = open?.roots.find((known) => equalBytes(known.root, root));
    if (open === undefined || claims === undefined) return;
    for (const { author } of good) claims.verified(author, true);
    for (const { author } of bad) claims.verified(author, false);
    if (claims.size === 0) open.roots.splice(open.roots.indexOf(claims), 1);
    this.#judge(open);
  }

  /** A certificate that somebody else put together, verified (rule K4). */
  onCertified(checkpoint: CertifiedCheckpoint): void {
    const open = this.#open.get(checkpoint.size);
    const own = open?.ownRoot ?? null;
    if (own !== null && !equalBytes(own, checkpoint.root)) {
      this.#diverge(checkpoint.size, checkpoint.root, true);
      return;
    }
    if (checkpoint.size <= this.certifiedSize) return;
    this.#keep(checkpoint);
  }

  /** Cosigned and not certified, or others are ahead: a certificate may be had from a peer. */
  get isLagging(): boolean {
    const newest = this.newest?.size ?? 0n;
    if (newest > this.certifiedSize) return true;
    for (const size of this.#open.keys()) if (size > this.certifiedSize) return true;
    return false;
  }

  /** Sends what is not certified yet once more. */
  resend(): void {
    if (this.newest === null || this.newest.size <= this.certifiedSize || this.isStopped) return;
    this.#send(this.newest);
  }

  /** Tells of sizes whose cosigners had their ten seconds. Returns when the next are due. */
  report(now: number): number | null {
    for (const [size, report] of this.#reports) {
      if (report.dueAt > now) return report.dueAt;
      this.#reports.delete(size);
      this.#ports.output.run({
        kind: 'cosigningReport',
        epoch: this.#ports.committee.epoch,
        size,
        matched: authorsOf(report.matched),
        mismatched: authorsOf(report.mismatched),
      });
    }
    return null;
  }

  /** The last checkpoint that was cosigned. */
  get guard(): CheckpointGuard {
    return this.#guard;
  }

  #cosign(size: bigint, root: Bytes32, seconds: bigint): void {
    const { crypto, origin, output, self, committee } = this.#ports;
    if (self === null) return;
    const isRepeat = size === this.#guard.size && equalBytes(root, this.#guard.root);
    if (size <= this.#guard.size && !isRepeat) {
      output.mark(size === this.#guard.size ? 'cosignRefusedRoot' : 'cosignRefusedSize');
      return;
    }
    const message = cosignatureMessage({ origin, size, root }, seconds);
    const signature = crypto.signCheckpoint(message);
    const cosignature: Cosignature = { size, root, time: seconds, signature };
    if (!isRepeat) {
      this.#guard = { epoch: committee.epoch, size, root };
      output.write({ kind: 'checkpointGuard', guard: this.#guard });
    }
    this.newest = cosignature;
    this.#claimsFor(this.#openSize(size) as OpenSize, root).addOwn(self, cosignature);
    this.#send(cosignature);
  }

  #send(cosignature: Cosignature): void {
    this.#ports.output.runAfterSync({
      kind: 'send',
      to: 'all',
      message: { kind: 'cosignature', epoch: this.#ports.committee.epoch, cosignature },
      queue: 'cosignature',
    });
  }

  #claimsFor(open: OpenSize, root: Bytes32): RootClaims {
    let claims = open.roots.find((known) => equalBytes(known.root, root));
    if (claims === undefined) {
      claims = new RootClaims(root, this.#ports.committee);
      open.roots.push(claims);
    }
    return claims;
  }

  /** The claims of a size that is worth following; null when it is settled or too far ahead. */
  #openSize(size: bigint): OpenSize | null {
    const known = this.#open.get(size);
    if (known !== undefined) return known;
    if (size <= this.certifiedSize) return null;
    if (size > this.certifiedSize + BigInt(MAX_OPEN_SIZES)) return null;
    const open: OpenSize = { size, ownRoot: null, roots: [] };
    this.#open.set(size, open);
    return open;
  }

  /** Rule K3: own root first, verified only when it can be a quorum; others once honest ones claim. */
  #judge(open: OpenSize): void {
    const { committee, output } = this.#ports;
    if (open.ownRoot === null) return;
    for (const claims of open.roots) {
      const { root, good } = claims;
      const isOwn = equalBytes(root, open.ownRoot);
      // Once stopped, only a certified other root says that it was us who erred.
      const needed = isOwn || this.isStopped ? committee.quorum : committee.validity;
      if (good >= needed) {
        if (isOwn) {
          this.#certify(open, claims);
          return;
        }
        const isCertified = good >= committee.quorum;
        this.#diverge(open.size, root, isCertified);
        if (isCertified) return;
      }
      const cosignatures = claims.toVerify(needed);
      if (cosignatures.length === 0) continue;
      const { epoch } = committee;
      output.run({ kind: 'verifyCosignatures', epoch, size: open.size, root, cosignatures });
    }
  }

  #certify({ size }: OpenSize, claims: RootClaims): void {
    const { epoch } = this.#ports.committee;
    this.#keep({ epoch, size, root: claims.root, cosignatures: claims.goodOnes() });
  }

  /** On disk first; then the ledger and the network hear of it. */
  #keep(checkpoint: CertifiedCheckpoint): void {
    const { output } = this.#ports;
    output.write({ kind: 'certified', checkpoint });
    output.runAfterSync({ kind: 'certified', checkpoint });
    this.#settle(checkpoint);
  }

  #settle(checkpoint: CertifiedCheckpoint): void {
    if (checkpoint.size <= this.certifiedSize) return;
    const open = this.#open.get(checkpoint.size);
    const { committee } = this.#ports;
    const matched = emptySet(committee);
    const mismatched = emptySet(committee);
    for (const { author } of checkpoint.cosignatures) addAuthor(matched, author);
    for (const claims of open?.roots ?? []) {
      const isCertified = equalBytes(claims.root, checkpoint.root);
      for (const author of claims.authors()) addAuthor(isCertified ? matched : mismatched, author);
    }
    this.certifiedSize = checkpoint.size;
    if (checkpoint.size > this.#executedSize) {
      // The newest one matters most: each root covers all before it.
      const [oldest] = this.#ahead.keys();
      if (this.#ahead.size >= MAX_OPEN_SIZES && oldest !== undefined) this.#ahead.delete(oldest);
      this.#ahead.set(checkpoint.size, checkpoint.root);
    }
    for (const size of this.#open.keys()) if (size <= checkpoint.size) this.#open.delete(size);
    if (this.#reports.size < MAX_REPORT_SIZES) {
      this.#reports.set(checkpoint.size, {
        size: checkpoint.size,
        dueAt: this.now + REPORT_DELAY_MILLIS,
        root: checkpoint.root,
        matched,
        mismatched,
      });
    }
    this.#ports.onCertified(checkpoint.size);
  }

  #noteReport(author: number, { size, root }: Cosignature): void {
    const report = this.#reports.get(size);
    if (report === undefined) return;
    addAuthor(equalBytes(root, report.root) ? report.matched : report.mismatched, author);
  }

  /**
   * Rule K5: an honest validator has another root, so one of us is wrong. When that root is
   * certified, it is us.
   */
  #diverge(size: bigint, root: Bytes32, isCertified: boolean): void {
    if (this.isStopped && !isCertified) return;
    this.isStopped = true;
    const own = this.#open.get(size)?.ownRoot ?? null;
    this.#ports.onDivergence(
      `size ${size}: root ${own === null ? 'unknown' : toHex(own)} here, ${toHex(root)} elsewhere`,
      isCertified,
    );
  }
}
