/**
 * The light client behind the page: follows the chain, answers the page's questions with what it
 * has verified, and says how sure it is.
 */

import { chainShape, validatorsShape } from 'fanal/api/chain.ts';
import { parseJson } from 'fanal/api/json.ts';
import { targetOf } from 'fanal/api/match.ts';
import { blockCodec } from 'fanal/chain/block.ts';
import { genesisCodec } from 'fanal/chain/genesis.ts';
import { blockId } from 'fanal/chain/header.ts';
import {
  MAX_BLOCK_BYTES,
  MAX_GENESIS_BYTES,
  MAX_PROOF_BYTES,
  MAX_UPDATE_BYTES,
} from 'fanal/chain/limits.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { type AddressBytes, encodeAddress } from 'fanal/crypto/address.ts';
import {
  headerProofCodec,
  type VerifiedHeader,
  verifyHeaderProof,
} from 'fanal/light/header-proof.ts';
import { verifyReceiptText } from 'fanal/light/receipt-text.ts';
import { type TrustState, trustedTip } from 'fanal/light/trust.ts';
import { leafHash, listRoot } from 'fanal/merkle/list.ts';
import { equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { DecodeError, VerificationError } from 'fanal/primitives/errors.ts';
import { formatCoins } from 'fanal/wallet/amounts.ts';
import { chainFromGenesis } from 'fanal/wallet/chain.ts';
import { createClient } from 'fanal/wallet/client.ts';
import type { Client } from 'fanal/wallet/client-types.ts';
import { ForkError } from 'fanal/wallet/errors.ts';
import { platform } from 'fanal/wallet/platform.ts';
import type { Store } from 'fanal/wallet/store.ts';
import { bytesCall, http, type Source, type SourceCall } from 'fanal/wallet/transport.ts';
import type {
  AddressView,
  BlockView,
  ChainView,
  Notice,
  PaymentView,
  ReceiptView,
  TrialKind,
  TrialView,
  ValidatorView,
  Verdict,
} from '../model.ts';
import { SignatureWatch, shareOf } from './signatures.ts';
import { SilenceWatch } from './silence.ts';
import { climbView, historyLine, paymentView, tipView } from './views.ts';

/** Most entries of a history that the page ever shows. */
const MAX_HISTORY_LINES = 2_000;
/** Without an answer for so long, the server counts as away. */
const SILENT_MILLIS = 3_000;
/** How often the page asks who signs. */
const BOARD_MILLIS = 4_000;
/** Where the store keeps the genesis id of the first visit. */
const ANCHOR = 'anchor';
const TEXT = new TextDecoder();

export interface SessionPorts {
  readonly base: string;
  readonly store: Store;
  readonly tell: (notice: Notice) => void;
}

type ValidatorBoard = ReturnType<ReturnType<typeof validatorsShape>['from']>;

/** What a session needs once it knows its chain. */
interface Running {
  readonly client: Client;
  readonly source: Source;
  readonly signatures: SignatureWatch;
}

export class Session {
  readonly #ports: SessionPorts;
  readonly #running: Running;
  view: ChainView;
  /** The trusted state before the newest update, for the trials. */
  #before: TrustState;
  #lastHeight = -1n;
  #lastClimbed = '';
  /** Somebody who was paid lately: whom the lying server lies about. */
  #lastPaid: AddressBytes | null = null;
  readonly #silence = new SilenceWatch();
  #isSyncing = false;

  private constructor(ports: SessionPorts, running: Running, view: ChainView) {
    this.#ports = ports;
    this.#running = running;
    this.view = view;
    this.#before = running.client.trusted();
  }

  get client(): Client {
    return this.#running.client;
  }

  /**
   * Learns which chain the server has, takes or keeps the trust anchor, and begins to follow.
   *
   * @throws {VerificationError} when the server's chain is not the one this browser knows
   */
  static async open(ports: SessionPorts): Promise<Session> {
    const transport = http(ports.base);
    const source = transport.sources[0] as Source;
    const world = platform();
    // What the server says of itself is asked for at the same time, and needed for the faucet only.
    const hasFaucet = source
      .request(jsonCall(targetOf('chain', {})))
      .then((bytes) => chainShape.from(parseJson(bytes)).faucet)
      .catch(() => false);
    const genesisFile = source.request(bytesCall('genesis', {}, MAX_GENESIS_BYTES));
    const known = await ports.store.get(ANCHOR);
    const anchored = chainFromGenesis(genesisCodec.decode(await genesisFile));
    const { origin, prefix } = anchored.trust;
    const genesisId = toHex(anchored.trust.genesisId);
    if (known !== null && TEXT.decode(known) !== genesisId) {
      throw new VerificationError(
        'page/another-chain',
        'trust anchor',
        `genesis ${TEXT.decode(known)}`,
        genesisId,
        { hint: 'This server now has another chain. Forget the old one only if you know why.' },
      );
    }
    if (known === null) await ports.store.set(ANCHOR, new TextEncoder().encode(genesisId));
    const told: { session: Session | null } = { session: null };
    const signatures = new SignatureWatch(world.verify, () => told.session?.onCheck());
    const client = createClient({
      chain: anchored,
      transport,
      store: ports.store,
      platform: { verify: signatures.verify },
    });
    const session = new Session(
      ports,
      { client, source, signatures },
      {
        origin,
        genesisId,
        networkPrefix: prefix,
        anchor: known === null ? 'first-visit' : 'pinned',
        faucet: false,
      },
    );
    told.session = session;
    session.#follow();
    // Without that report there is no faucet button, and everything else is the same.
    session.view = { ...session.view, faucet: await hasFaucet };
    return session;
  }

  /** A signature was checked. Only those of a sync that is under way are a checkpoint in the making. */
  onCheck(): void {
    if (this.#isSyncing) this.tellSignatures(false);
  }

  tellSignatures(certified: boolean): void {
    const state = this.client.trusted();
    const height = certified ? state.header.height : state.header.height + 1n;
    this.#ports.tell({
      kind: 'signatures',
      view: this.#running.signatures.view(height, state.validators, certified),
    });
  }

  #follow(): void {
    let started = performance.now();
    const sync = async () => {
      const before = this.client.trusted();
      this.#running.signatures.clear();
      started = performance.now();
      this.#isSyncing = true;
      const tip = await this.client.sync().finally(() => {
        this.#isSyncing = false;
      });
      const state = this.client.trusted();
      if (state.header.height > this.#lastHeight) {
        if (before.header.height < state.header.height) this.#before = before;
        this.#lastHeight = state.header.height;
        this.tellSignatures(true);
        this.#ports.tell({
          kind: 'tip',
          tip: tipView(state.header, state.root, performance.now() - started),
        });
        void this.#climbNewest(state);
      } else if (this.#running.signatures.hasChecks) {
        this.tellSignatures(true);
      }
      const age = Number(this.client.platform.now() - tip.sureAt) / 1000;
      this.#say(
        tip.freshness === 'fresh'
          ? { kind: 'fresh', ageSeconds: Math.max(0, age) }
          : { kind: 'stale', sinceMillis: Number(tip.sureAt) },
      );
    };
    let busy = false;
    let answeredAt = performance.now();
    const turn = async () => {
      if (busy) {
        // The transport tries again by itself; a person should know of it before it gives up.
        const silentMillis = performance.now() - answeredAt;
        if (silentMillis > SILENT_MILLIS) this.#say(this.#offline('no answer'));
        return;
      }
      busy = true;
      try {
        await sync();
        answeredAt = performance.now();
      } catch (error) {
        this.#say(this.#verdictOf(error));
      } finally {
        busy = false;
      }
    };
    void turn();
    // The client's own watch wakes on pushes; the timer keeps the age honest between them.
    this.client.watchTip({
      onTip: () => void turn(),
      onError: (error) => this.#say(this.#verdictOf(error)),
    });
    setInterval(turn, 1000);
    setInterval(() => void this.#lookAtBoard(), BOARD_MILLIS);
  }

  #say(verdict: Verdict): void {
    this.#ports.tell({ kind: 'verdict', verdict });
  }

  #verdictOf(error: unknown): Verdict {
    if (error instanceof ForkError) return { kind: 'forked', evidence: toHex(error.evidence) };
    if (error instanceof VerificationError) {
      const { step, message, code, hint = null } = error;
      return { kind: 'refused', step, reason: message, code, hint };
    }
    return this.#offline((error as Error).message);
  }

  #offline(reason: string): Verdict {
    return { kind: 'offline', reason, sinceMillis: Number(this.client.trusted().sureAt) };
  }

  /** Shows the way up of one payment of the newest block that has any. */
  async #climbNewest(state: TrustState): Promise<void> {
    if (state.header.txCount === 0) return;
    try {
      const block = await this.block(state.header.height.toString());
      const id = block?.transactions[0];
      if (id === undefined || id === this.#lastClimbed) return;
      const placed = await this.client.getTransaction({ id });
      if (placed === null) return;
      this.#lastClimbed = id;
      this.#lastPaid = placed.transaction.outputs[0]?.address ?? this.#lastPaid;
      this.#ports.tell({ kind: 'climb', climb: climbView(placed) });
    } catch {
      // The next block brings another payment; the verdict already says what is wrong.
    }
  }

  async #header(height: bigint): Promise<VerifiedHeader | null> {
    let tip = trustedTip(this.client.trusted());
    if (height >= tip.size) {
      await this.client.sync();
      tip = trustedTip(this.client.trusted());
    }
    if (height >= tip.size) return null;
    const bytes = await this.#running.source.request(
      bytesCall('header', { height, at: tip.size }, MAX_PROOF_BYTES),
    );
    const header = verifyHeaderProof(headerProofCodec.decode(bytes), tip);
    if (header.height !== height) {
      throw new VerificationError('proof/height', 'header', `height ${height}`, `${header.height}`);
    }
    return header;
  }

  /** A block whose header is in the certified log and whose transactions are all there. */
  async block(heightText: string): Promise<BlockView | null> {
    const height = BigInt(heightText);
    const header = await this.#header(height);
    if (header === null) return null;
    const bytes = await this.#running.source.request(
      bytesCall('block', { height }, MAX_BLOCK_BYTES),
    );
    const block = blockCodec.decode(bytes);
    const parts = block.transactions.map(splitTransaction);
    const ids = parts.map(({ transaction }) => txidOf(transaction));
    const leaves = parts.map(({ witnesses }, index) =>
      leafHash(transactionLeaf(ids[index] as (typeof ids)[number], witnesses)),
    );
    const root = listRoot(leaves);
    if (!equalBytes(root, header.txRoot)) {
      throw new VerificationError('block/transactions', 'block', toHex(header.txRoot), toHex(root));
    }
    return {
      height: heightText,
      epoch: header.epoch,
      timeMillis: Number(header.time),
      blockId: toHex(blockId(header)),
      stateRoot: toHex(header.stateRoot),
      transactionRoot: toHex(header.txRoot),
      transactions: ids.map(toHex),
    };
  }

  async payment(id: string): Promise<PaymentView | null> {
    const placed = await this.client.getTransaction({ id, allowStale: true });
    return placed === null ? null : paymentView(placed, this.client.trusted());
  }

  async address(address: string, lines: number): Promise<AddressView> {
    const most = Math.min(lines, MAX_HISTORY_LINES);
    const balance = await this.client.getBalance({ address, allowStale: true });
    const history = [];
    if (balance.isUsed) {
      for await (const item of this.client.history({
        address,
        order: 'newest',
        allowStale: true,
      })) {
        history.push(historyLine(item));
        if (history.length >= most) break;
      }
    }
    return {
      address,
      used: balance.isUsed,
      balance: formatCoins(balance.balance),
      coinCount: balance.coinCount.toString(),
      historySize: balance.historySize.toString(),
      history,
      height: balance.height.toString(),
    };
  }

  /** Names and stake from the certified set; performance as the server reports it. */
  async validators(): Promise<readonly ValidatorView[]> {
    const { validators: set } = this.client.trusted();
    const board = await this.#board().catch(() => null);
    const byName = new Map(board?.items.map((item) => [item.name, item]));
    return set.validators.map((validator) => ({
      name: validator.name,
      share: shareOf(validator.stake, set),
      stake: formatCoins(validator.stake),
      cosigned: byName.get(validator.name)?.cosignedShare ?? null,
      rounds: byName.get(validator.name)?.rounds.toString() ?? null,
    }));
  }

  async #board(): Promise<ValidatorBoard> {
    const shape = validatorsShape(this.client.trusted().prefix);
    return shape.from(
      parseJson(await this.#running.source.request(jsonCall(targetOf('validators', {})))),
    );
  }

  /** Tells which validators have stopped signing, as the server reports it. */
  async #lookAtBoard(): Promise<void> {
    try {
      const names = this.#silence.look((await this.#board()).items);
      if (names !== null) this.#ports.tell({ kind: 'silent', names });
    } catch {
      // The verdict already says that the server does not answer.
    }
  }

  /** Runs an attack against the real verifier, with true answers to spoil. */
  async trial(kind: TrialKind): Promise<TrialView> {
    const { source } = this.#running;
    await this.client.sync();
    const state = this.client.trusted();
    const before = this.#before;
    const [first] = state.validators.validators;
    const address = this.#lastPaid ?? (first as { owner: AddressBytes }).owner;
    const size = trustedTip(state).size;
    const prefix = state.prefix;
    const [update, addressProof] = await Promise.all([
      source.request(bytesCall('update', { from: trustedTip(before).size }, MAX_UPDATE_BYTES)),
      source.request(
        bytesCall(
          'address',
          { address: encodeAddress(address, prefix), at: size },
          MAX_PROOF_BYTES,
        ),
      ),
    ]);
    const { runTrial } = await import('./trials.ts');
    return runTrial(kind, {
      before,
      update,
      state,
      address,
      addressProof,
      now: this.client.platform.now(),
      verify: platform().verify,
      random: this.client.platform.random,
    });
  }

  /** Checks a receipt file against what this browser trusts. */
  async receipt(text: string): Promise<ReceiptView> {
    const state = this.client.trusted();
    let checked = 0;
    const verify = platform().verify;
    try {
      const proved = await verifyReceiptText(text, state, async (items) => {
        const verdicts = await verify(items);
        checked += verdicts.filter(Boolean).length;
        return verdicts;
      });
      return {
        ok: true,
        steps: [
          { step: 'reading the file', outcome: 'passed', detail: '' },
          { step: 'signatures', outcome: 'passed', detail: `${checked} checked, a quorum` },
          {
            step: 'header',
            outcome: 'passed',
            detail: `block ${proved.header.height} is in the signed log`,
          },
          { step: 'payment', outcome: 'passed', detail: 'is in that block' },
        ],
        payment: {
          id: toHex(proved.txid),
          height: proved.header.height.toString(),
          timeMillis: Number(proved.header.time),
        },
      };
    } catch (error) {
      if (error instanceof VerificationError) {
        const detail = `expected ${error.expected}, found ${error.found}`;
        return {
          ok: false,
          steps: [{ step: error.step, outcome: 'refused', detail }],
          payment: null,
        };
      }
      if (error instanceof DecodeError) {
        const steps = [
          { step: 'reading the file', outcome: 'refused' as const, detail: error.message },
        ];
        return { ok: false, steps, payment: null };
      }
      throw error;
    }
  }
}

function jsonCall(target: string): SourceCall {
  return { method: 'GET', target, maxBytes: MAX_UPDATE_BYTES };
}
