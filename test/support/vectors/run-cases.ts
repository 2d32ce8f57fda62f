/**
 * Runs vectors, in any engine: no test framework, no platform.
 *
 * A case that must be refused ends in a typed error with its code; every other one ends without, and
 * gives what its file says.
 */
import { genesisCodec, genesisDigest } from 'fanal/chain/genesis.ts';
import { genesisFromText } from 'fanal/chain/genesis-file.ts';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { blockId, headerCodec } from 'fanal/chain/header.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { genesisContext, type KeyRole, possessionMessage } from 'fanal/chain/registration.ts';
import {
  addressKey,
  coinKey,
  EPOCH_KEY,
  PARAMETERS_KEY,
  validatorKey,
} from 'fanal/chain/state-keys.ts';
import { transactionCodec, transactionSighash } from 'fanal/chain/transaction.ts';
import { checkShape } from 'fanal/chain/transaction-check.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { certify, certifyNote } from 'fanal/checkpoint/certify.ts';
import { cosignatureMessage, cosignerKeyText } from 'fanal/checkpoint/cosignature.ts';
import { cosignedCheckpointCodec } from 'fanal/checkpoint/cosigned.ts';
import {
  addressFromKey,
  addressFromKeys,
  asAddress,
  decodeAddress,
  encodeAddress,
} from 'fanal/crypto/address.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { seedFromMnemonic, walletKey, walletPath } from 'fanal/crypto/keys.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, finishCoins, NO_COINS_YET, takeCoinsPage } from 'fanal/light/coins.ts';
import { evidenceCodec, verifyEvidence } from 'fanal/light/evidence.ts';
import { follow } from 'fanal/light/follow.ts';
import {
  headerProofCodec,
  type VerifiedHeader,
  verifyHeaderProof,
} from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { verifyReceiptText } from 'fanal/light/receipt-text.ts';
import { stateProofCodec, verifyStateProof } from 'fanal/light/state-proof.ts';
import { transactionProofCodec, verifyTransactionProof } from 'fanal/light/transaction-proof.ts';
import { trustedTip, trustStateCodec } from 'fanal/light/trust.ts';
import { parseTrust } from 'fanal/light/trust-file.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { leafHash, verifyConsistency, verifyRange } from 'fanal/merkle/list.ts';
import { mapProofCodec, verifyMapValue } from 'fanal/merkle/map.ts';
import {
  decodeEntries,
  decodeTile,
  entriesPath,
  parseTilePath,
  tilePath,
} from 'fanal/merkle/tiles.ts';
import { asciiText, fromHex, toHex } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { parseCoins } from 'fanal/wallet/amounts.ts';
import { CODEC_BY_NAME, type CodecName } from '../codec-list.ts';
import { toJson, type VectorFile } from './vector-json.ts';

// biome-ignore lint/suspicious/noExplicitAny: a case is whatever its file says
type Case = { readonly name: string; readonly refused?: string } & Record<string, any>;
type Run = (item: Case, verify: VerifyBatch) => unknown;

/** What went wrong with a case: nothing, when it did as it should. */
export async function runCase(
  file: string,
  item: Case,
  verify: VerifyBatch,
): Promise<string | null> {
  let found: string | undefined;
  try {
    await runnerOf(file)(item, verify);
  } catch (error) {
    found = (error as { code?: string }).code;
    if (found === undefined) return String(error);
  }
  return found === item.refused
    ? null
    : `expected ${item.refused ?? 'no refusal'}, found ${found ?? 'none'}`;
}

/** The cases of a file that did not do as they should, each with why. */
export async function failuresOf(
  name: string,
  file: VectorFile,
  verify: VerifyBatch,
): Promise<string[]> {
  const failures: string[] = [];
  for (const item of file.cases as readonly Case[]) {
    const failure = await runCase(name, item, verify);
    if (failure !== null) failures.push(`${name}, ${item.name}: ${failure}`);
  }
  return failures;
}

function runnerOf(file: string): Run {
  const run = RUNS[file];
  if (run !== undefined) return run;
  const codec = CODEC_BY_NAME[file.replace('codec/', '') as CodecName];
  return ({ bytes, value }) => {
    const decoded = codec.decode(fromHex(bytes));
    same('value', toJson(decoded), value);
    same('bytes', toHex(codec.encode(decoded)), bytes);
  };
}

/** Requires that two JSON values are equal, whatever order their keys are in. */
function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [sorted(found), sorted(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b.slice(0, 200)}, found ${a.slice(0, 200)}`);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

const hash = (hex: string) => fromHex(hex) as Hash;
const hashes = (list: readonly string[]) => list.map(hash);

/** What a case of ids must come to, from its inputs. */
const IDS: Readonly<Record<string, (item: Case) => object>> = {
  transaction: ({ transaction, witnesses, genesisId }) => {
    const txid = txidOf(fromHex(transaction));
    const decoded = transactionCodec.decode(fromHex(transaction));
    const leafData = transactionLeaf(txid, fromHex(witnesses));
    const sighash = transactionSighash(decoded, hash(genesisId));
    return { txid, sighash, leafData, leafHash: leafHash(leafData) };
  },
  block: ({ header }) => ({ blockId: blockId(headerCodec.decode(fromHex(header))) }),
  genesis: ({ file }) => {
    const genesis = genesisFromText(file);
    const { header, genesisId, origin } = genesisState(genesis);
    return {
      genesis: genesisCodec.encode(genesis),
      digest: genesisDigest(genesis),
      header: headerCodec.encode(header),
      genesisId,
      origin,
    };
  },
  set: ({ set }) => ({ hash: validatorSetCodec.decode(fromHex(set)).hash }),
  address: ({ publicKey, text }) => ({
    address: addressFromKey(fromHex(publicKey)),
    text: encodeAddress(addressFromKey(fromHex(publicKey)), decodeAddress(text).prefix),
  }),
  threshold: ({ threshold, publicKeys, text }) => {
    const keys = (publicKeys as string[]).map((key) => fromHex(key)).reverse();
    const address = addressFromKeys(threshold, keys);
    return { address, text: encodeAddress(address, decodeAddress(text).prefix) };
  },
  possession: (item) => {
    const context = genesisContext(item.domain, item.network);
    const claim = {
      name: item.validatorName,
      vertexKey: hash(item.vertexKey),
      checkpointKey: hash(item.checkpointKey),
      networkKey: hash(item.networkKey),
      owner: asAddress(fromHex(item.owner)),
    };
    const messages = [0, 1, 2].map((role) => possessionMessage(claim, role as KeyRole, context));
    return { context, messages };
  },
  keys: ({ address, validator, txid, index }) => ({
    addressKey: addressKey(asAddress(fromHex(address))),
    validatorKey: validatorKey(validator),
    parametersKey: PARAMETERS_KEY,
    epochKey: EPOCH_KEY,
    coinKey: coinKey({ txid: hash(txid), index }),
  }),
  payout: ({ genesisId, epoch }) => ({ payoutId: payoutId(hash(genesisId), epoch) }),
  cosigner: ({ origin, size, root, time, validator, checkpointKey }) => {
    const checkpoint = { origin, size: BigInt(size), root: hash(root) };
    return {
      message: asciiText(cosignatureMessage(checkpoint, BigInt(time))),
      vkey: cosignerKeyText(origin, { name: validator, checkpointKey: hash(checkpointKey) }),
    };
  },
};

async function runIds(item: Case, verify: VerifyBatch): Promise<void> {
  const results = IDS[item.kind]?.(item) ?? {};
  if (Object.keys(results).length === 0) throw new Error(`no such kind of id: ${item.kind}`);
  for (const [name, value] of Object.entries(results)) same(name, toJson(value), item[name]);
  if (item.kind !== 'possession') return;
  const keys = [item.vertexKey, item.checkpointKey, item.networkKey];
  const verdicts = await verify(
    keys.map((key, i) => ({
      message: fromHex(item.messages[i]),
      signature: fromHex(item.proofs[i]),
      publicKey: fromHex(key),
    })),
  );
  same('possession proofs', verdicts, [true, true, true]);
}

function runList(item: Case): void {
  const path = hashes(item.path);
  if (item.kind === 'range') {
    const { from, leaves, size, root } = item;
    verifyRange({
      from: BigInt(from),
      leaves: hashes(leaves),
      size: BigInt(size),
      root: hash(root),
      path,
    });
    return;
  }
  verifyConsistency({
    oldSize: BigInt(item.oldSize),
    oldRoot: hash(item.oldRoot),
    newSize: BigInt(item.newSize),
    newRoot: hash(item.newRoot),
    path,
  });
}

function runMap({ root, key, value, proof }: Case): void {
  verifyMapValue({
    root: hash(root),
    key: hash(key),
    value: value === null ? null : fromHex(value),
    proof: mapProofCodec.decode(fromHex(proof)),
  });
}

async function runTransaction(item: Case, verify: VerifyBatch): Promise<void> {
  const params = paramsCodec.decode(fromHex(item.params));
  const verdict = checkShape(fromHex(item.bytes), { genesisId: hash(item.genesisId), params });
  if (verdict.kind === 'refused') throw verdict;
  const { shaped } = verdict;
  const verdicts = await verify(shaped.items);
  if (!verdicts.every((valid) => valid)) throw { code: 'transaction/bad-signature' };
  const { txid, spentUnits, minFeeUnits, witnessAddresses } = shaped;
  const results = { txid, spentUnits, minFeeUnits, witnessAddresses };
  for (const [name, value] of Object.entries(results)) same(name, toJson(value), item[name]);
}

async function runCheckpoint(item: Case, verify: VerifyBatch): Promise<void> {
  const set = validatorSetCodec.decode(fromHex(item.set));
  if (item.note !== undefined) {
    await certifyNote(item.note, item.origin, set, verify);
    return;
  }
  const cosigned = cosignedCheckpointCodec.decode(fromHex(item.checkpoint));
  await certify(cosigned, item.origin, set, verify);
}

async function runFollow(item: Case, verify: VerifyBatch): Promise<void> {
  const trust = trustStateCodec.decode(fromHex(item.trust));
  const update = updateCodec.decode(fromHex(item.update));
  const { state, verdict } = await follow(trust, update, { now: BigInt(item.now), verify });
  same('verdict', verdict.kind, item.verdict);
  same('size', String(trustedTip(state).size), item.size);
  if (verdict.kind !== 'forked') return;
  const finding = await verifyEvidence(verdict.evidence, verify, trust);
  same('more than a third is guilty', 3n * finding.guiltyStake > finding.totalStake, true);
}

function runProof(item: Case): void {
  const tip = { size: BigInt(item.size), root: hash(item.root) };
  const header = headerCodec.decode(fromHex(item.header)) as VerifiedHeader;
  const address = () => asAddress(fromHex(item.address));
  const proved = () =>
    verifyAddressProof(addressProofCodec.decode(fromHex(item.record)), address(), header);
  const runs: Readonly<Record<string, () => unknown>> = {
    header: () => verifyHeaderProof(headerProofCodec.decode(fromHex(item.proof)), tip),
    transaction: () =>
      verifyTransactionProof(transactionProofCodec.decode(fromHex(item.proof)), tip),
    address: () =>
      verifyAddressProof(addressProofCodec.decode(fromHex(item.proof)), address(), header),
    coins: () => {
      const record = proved();
      let soFar = NO_COINS_YET;
      for (const page of item.pages as string[]) {
        soFar = takeCoinsPage(soFar, coinsPageCodec.decode(fromHex(page)), record);
      }
      return finishCoins(soFar, record);
    },
    history: () => {
      const page = historyPageCodec.decode(fromHex(item.page));
      return verifyHistoryPage(page, BigInt(item.from), proved());
    },
    state: () => {
      const proof = stateProofCodec.decode(fromHex(item.proof));
      return verifyStateProof(proof, hash(item.key), header);
    },
  };
  const run = runs[item.kind];
  if (run === undefined) throw new Error(`no such kind of proof: ${item.kind}`);
  run();
}

async function runReceipt(item: Case, verify: VerifyBatch): Promise<void> {
  const trust = trustStateCodec.decode(fromHex(item.trust));
  const { txid } =
    item.text === undefined
      ? await verifyReceipt(receiptCodec.decode(fromHex(item.receipt)), trust, verify)
      : await verifyReceiptText(item.text, trust, verify);
  same('txid', toHex(txid), item.txid);
}

function runTrustFile({ text, trust }: Case): void {
  same('trust', toHex(trustStateCodec.encode(parseTrust(text))), trust);
}

async function runEvidence(item: Case, verify: VerifyBatch): Promise<void> {
  const evidence = evidenceCodec.decode(fromHex(item.evidence));
  const { validators } = evidence;
  same('set', toHex(validators.hash), item.setHash);
  const trust = { genesisId: hash(item.genesisId), validators };
  const { guilty } = await verifyEvidence(evidence, verify, trust);
  same('guilty', guilty, item.guilty);
}

function runAddress(item: Case): void {
  if (item.kind === 'bytes') asAddress(fromHex(item.hex));
  else if (item.kind === 'threshold') {
    addressFromKeys(
      item.threshold,
      (item.publicKeys as string[]).map((key) => fromHex(key)),
    );
  } else {
    const { address, prefix } = decodeAddress(item.text, item.prefix ?? undefined);
    same('address', toHex(address), item.address);
    same('text', encodeAddress(address, prefix), item.text.toLowerCase());
  }
}

function runMnemonic({ words, prefix, index, path, publicKey, address }: Case): void {
  const key = walletKey(seedFromMnemonic(words), prefix, 0, index);
  same('path', walletPath(prefix, 0, index), path);
  same('public key', toHex(key.publicKey), publicKey);
  same('address', encodeAddress(addressFromKey(key.publicKey), prefix), address);
}

function runTile(item: Case): void {
  if (item.kind === 'hashes') {
    same('hashes', decodeTile(fromHex(item.bytes), item.width).length, item.width);
  } else if (item.kind === 'entries') {
    same('entries', decodeEntries(fromHex(item.bytes), item.width).map(toHex), item.entries);
  } else {
    const found = parseTilePath(item.path);
    const isEntries = found.kind === 'entries';
    const { index, width } = isEntries ? found.bundle : found.tile;
    same('level', isEntries ? 'entries' : found.tile.level, item.level);
    same('index and width', [String(index), width], [item.index, item.width]);
    same('path', isEntries ? entriesPath(found.bundle) : tilePath(found.tile), item.path);
  }
}

const RUNS: Readonly<Record<string, Run>> = {
  addresses: runAddress,
  amounts: ({ text, units }) => same('units', String(parseCoins(text)), units),
  mnemonics: runMnemonic,
  'genesis-files': ({ file }) => genesisFromText(file),
  tiles: runTile,
  ids: runIds,
  lists: runList,
  maps: runMap,
  transactions: runTransaction,
  checkpoints: runCheckpoint,
  follow: runFollow,
  proofs: runProof,
  receipts: runReceipt,
  'trust-files': runTrustFile,
  evidence: runEvidence,
};
