import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  type AddressPrefix,
  addressFromKey,
  addressFromKeys,
  asAddress,
  decodeAddress,
  encodeAddress,
} from 'fanal/crypto/address.ts';
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
import { asciiText, type Bytes, type Bytes32, fromHex, toHex } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../../support/codecs.ts';
import { verifyNatively } from '../../support/native.ts';
import { allVectors, vectorText } from '../../support/vectors/all.ts';
import { toJson, type VectorFile } from '../../support/vectors/vector-json.ts';

const FOLDER = join(import.meta.dirname, '../../vectors/fanal');
const WRITER = 'test/support/vectors/write.ts';

// biome-ignore lint/suspicious/noExplicitAny: a case is whatever its file says
type Case = { readonly name: string; readonly refused?: string } & Record<string, any>;

const read = (name: string): VectorFile =>
  JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
const hash = (hex: string) => fromHex(hex) as Hash;
const hashes = (list: readonly string[]) => list.map(hash);

/** Runs every case of a file: it does what it says, or is refused with the code it says. */
function runs(file: string, run: (item: Case) => unknown): void {
  describe(file, () => {
    it.each(read(file).cases as readonly Case[])('$name', async (item) => {
      let code: string | undefined;
      try {
        await run(item);
      } catch (error) {
        code = (error as { code?: string }).code;
        if (code === undefined) throw error;
      }
      expect(code).toBe(item.refused);
    });
  });
}

describe.each(CODECS)('codec/$name', ({ name, codec }) => {
  it.each(read(`codec/${name}`).cases as readonly Case[])('$name', ({ bytes, value, refused }) => {
    let code: string | undefined;
    try {
      const decoded = codec.decode(fromHex(bytes));
      expect(toJson(decoded)).toEqual(value);
      expect(toHex(codec.encode(decoded))).toBe(bytes);
    } catch (error) {
      code = (error as { code?: string }).code;
      if (code === undefined) throw error;
    }
    expect(code).toBe(refused);
  });
});

describe('ids', () => {
  const cases = read('ids').cases as readonly Case[];
  const named = (words: string): Case => cases.find(({ name }) => name.startsWith(words))!;

  it('of a transaction, its sighash and its leaf', () => {
    const item = named('transaction id');
    const [transaction, witnesses] = [fromHex(item.transaction), fromHex(item.witnesses)];
    const txid = txidOf(transaction);
    expect(toHex(txid)).toBe(item.txid);
    const decoded = transactionCodec.decode(transaction);
    expect(toHex(transactionSighash(decoded, hash(item.genesisId)))).toBe(item.sighash);
    expect(toHex(transactionLeaf(txid, witnesses))).toBe(item.leafData);
    expect(toHex(leafHash(transactionLeaf(txid, witnesses)))).toBe(item.leafHash);
  });

  it('of a block and of a validator set', () => {
    const block = named('block id');
    expect(toHex(blockId(headerCodec.decode(fromHex(block.header))))).toBe(block.blockId);
    const set = named('validator set');
    expect(toHex(validatorSetCodec.decode(fromHex(set.set)).hash)).toBe(set.hash);
  });

  it('of a genesis, from its file to its origin', () => {
    const item = named('genesis file');
    const genesis = genesisFromText(item.file);
    expect(toHex(genesisCodec.encode(genesis))).toBe(item.genesis);
    expect(toHex(genesisDigest(genesis))).toBe(item.digest);
    const state = genesisState(genesis);
    expect(toHex(headerCodec.encode(state.header))).toBe(item.header);
    expect(toHex(state.genesisId)).toBe(item.genesisId);
    expect(state.origin).toBe(item.origin);
  });

  it('of addresses', () => {
    const one = named('address of one key');
    expect(toHex(addressFromKey(fromHex(one.publicKey)))).toBe(one.address);
    const many = named('address of two of three');
    const keys = (many.publicKeys as string[]).map((key) => fromHex(key));
    expect(toHex(addressFromKeys(many.threshold, keys.toReversed()))).toBe(many.address);
    for (const { address, text } of [one, many]) {
      const decoded = decodeAddress(text);
      expect(toHex(decoded.address)).toBe(address);
      expect(encodeAddress(asAddress(fromHex(address)), decoded.prefix as AddressPrefix)).toBe(
        text,
      );
    }
  });

  it('of what validators sign to show their keys', () => {
    const item = named('possession messages');
    const context = genesisContext(item.domain, item.network);
    expect(toHex(context)).toBe(item.context);
    const keys = [item.vertexKey, item.checkpointKey, item.networkKey].map((key) => hash(key));
    const [vertexKey, checkpointKey, networkKey] = keys as [Bytes32, Bytes32, Bytes32];
    const owner = asAddress(fromHex(item.owner));
    const claim = { name: item.validatorName, vertexKey, checkpointKey, networkKey, owner };
    const messages = [0, 1, 2].map((role) => possessionMessage(claim, role as KeyRole, context));
    expect(messages.map(toHex)).toEqual(item.messages);
    const items = messages.map((message, i) => ({
      message: message as Bytes,
      signature: fromHex(item.proofs[i]),
      publicKey: keys[i] as Bytes,
    }));
    expect(verifyNatively(items)).toEqual([true, true, true]);
  });

  it('of places in the state, and of payouts', () => {
    const item = named('state keys');
    expect(toHex(addressKey(asAddress(fromHex(item.address))))).toBe(item.addressKey);
    expect(toHex(validatorKey(item.validator))).toBe(item.validatorKey);
    expect(toHex(PARAMETERS_KEY)).toBe(item.parametersKey);
    expect(toHex(EPOCH_KEY)).toBe(item.epochKey);
    expect(toHex(coinKey({ txid: hash(item.txid), index: item.index }))).toBe(item.coinKey);
    const payout = named('payout id');
    expect(toHex(payoutId(hash(payout.genesisId), payout.epoch))).toBe(payout.payoutId);
  });

  it('of cosigners and what they sign', () => {
    const item = named('what a cosigner signs');
    const checkpoint = { origin: item.origin, size: BigInt(item.size), root: hash(item.root) };
    expect(asciiText(cosignatureMessage(checkpoint, BigInt(item.time)))).toBe(item.message);
    const validator = { name: item.validator, checkpointKey: hash(item.checkpointKey) };
    expect(cosignerKeyText(item.origin, validator)).toBe(item.vkey);
  });
});

runs('lists', (item) => {
  if (item.kind === 'range') {
    return verifyRange({
      from: BigInt(item.from),
      leaves: hashes(item.leaves),
      size: BigInt(item.size),
      root: hash(item.root),
      path: hashes(item.path),
    });
  }
  return verifyConsistency({
    oldSize: BigInt(item.oldSize),
    oldRoot: hash(item.oldRoot),
    newSize: BigInt(item.newSize),
    newRoot: hash(item.newRoot),
    path: hashes(item.path),
  });
});

runs('maps', ({ root, key, value, proof }) =>
  verifyMapValue({
    root: hash(root),
    key: hash(key),
    value: value === null ? null : fromHex(value),
    proof: mapProofCodec.decode(fromHex(proof)),
  }),
);

runs('transactions', (item) => {
  const rules = {
    genesisId: hash(item.genesisId),
    params: paramsCodec.decode(fromHex(item.params)),
  };
  const verdict = checkShape(fromHex(item.bytes), rules);
  if (verdict.kind === 'refused') throw verdict;
  const { shaped } = verdict;
  const verdicts = verifyNatively(shaped.items) as readonly boolean[];
  if (!verdicts.every((valid) => valid)) throw { code: 'transaction/bad-signature' };
  expect(toHex(shaped.txid)).toBe(item.txid);
  expect(String(shaped.spentUnits)).toBe(item.spentUnits);
  expect(String(shaped.minFeeUnits)).toBe(item.minFeeUnits);
  expect(shaped.witnessAddresses.map(toHex)).toEqual(item.witnessAddresses);
});

runs('checkpoints', ({ note, checkpoint, origin, set: bytes }) => {
  const set = validatorSetCodec.decode(fromHex(bytes));
  if (note !== undefined) return certifyNote(note, origin, set, verifyNatively);
  const cosigned = cosignedCheckpointCodec.decode(fromHex(checkpoint));
  return certify(cosigned, origin, set, verifyNatively);
});

runs('follow', async (item) => {
  const trust = trustStateCodec.decode(fromHex(item.trust));
  const update = updateCodec.decode(fromHex(item.update));
  const options = { now: BigInt(item.now), verify: verifyNatively };
  const { state, verdict } = await follow(trust, update, options);
  expect(verdict.kind).toBe(item.verdict);
  expect(String(trustedTip(state).size)).toBe(item.size);
  if (verdict.kind === 'forked') {
    const finding = await verifyEvidence(verdict.evidence, verifyNatively, trust);
    expect(3n * finding.guiltyStake > finding.totalStake).toBe(true);
  }
});

runs('proofs', (item) => {
  const tip = { size: BigInt(item.size), root: hash(item.root) };
  const header = headerCodec.decode(fromHex(item.header)) as VerifiedHeader;
  const address = () => asAddress(fromHex(item.address));
  const proved = () =>
    verifyAddressProof(addressProofCodec.decode(fromHex(item.record)), address(), header);
  switch (item.kind) {
    case 'header':
      return verifyHeaderProof(headerProofCodec.decode(fromHex(item.proof)), tip);
    case 'transaction':
      return verifyTransactionProof(transactionProofCodec.decode(fromHex(item.proof)), tip);
    case 'address':
      return verifyAddressProof(addressProofCodec.decode(fromHex(item.proof)), address(), header);
    case 'coins': {
      const record = proved();
      const pages = (item.pages as string[]).map((page) => coinsPageCodec.decode(fromHex(page)));
      const all = pages.reduce((sum, page) => takeCoinsPage(sum, page, record), NO_COINS_YET);
      return finishCoins(all, record);
    }
    case 'history': {
      const page = historyPageCodec.decode(fromHex(item.page));
      return verifyHistoryPage(page, BigInt(item.from), proved());
    }
    default:
      expect(item.kind).toBe('state');
      return verifyStateProof(stateProofCodec.decode(fromHex(item.proof)), hash(item.key), header);
  }
});

runs('receipts', async (item) => {
  const trust = trustStateCodec.decode(fromHex(item.trust));
  const proved =
    item.text === undefined
      ? await verifyReceipt(receiptCodec.decode(fromHex(item.receipt)), trust, verifyNatively)
      : await verifyReceiptText(item.text, trust, verifyNatively);
  expect(toHex(proved.txid)).toBe(item.txid);
});

runs('trust-files', ({ text, trust }) => {
  expect(toHex(trustStateCodec.encode(parseTrust(text)))).toBe(trust);
});

runs('evidence', async (item) => {
  const evidence = evidenceCodec.decode(fromHex(item.evidence));
  const trust = { genesisId: hash(item.genesisId), validators: evidence.validators };
  expect(toHex(evidence.validators.hash)).toBe(item.setHash);
  const finding = await verifyEvidence(evidence, verifyNatively, trust);
  expect(finding.guilty).toEqual(item.guilty);
});

describe('all vectors together', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => read(file.slice(0, -'.json'.length)));

  it('say where they come from, and name no case twice', () => {
    for (const file of files) {
      expect(file.schema).toBe('fanal.vectors/1');
      expect(file.origin).toContain('made by this project');
      const names = file.cases.map(({ name, bytes }) => `${name} ${bytes}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('are what their generator writes', () => {
    const stale = [...allVectors()]
      .filter(([name, file]) => {
        return readFileSync(join(FOLDER, `${name}.json`), 'utf8') !== vectorText(file);
      })
      .map(([name]) => name);
    expect(stale, `run node ${WRITER}`).toEqual([]);
  });

  it('have a case for every refusal that a proof, an update or a file can meet', () => {
    const areas =
      /^(checkpoint|coins|evidence|freshness|handover|history|note|proof|receipt|trust|update)\//;
    const elsewhere = new Set([
      // Not on the wire, or another room's: a client's own question, tiles, bytes of a note.
      'proof/absent',
      'proof/another-transaction',
      'proof/map-duplicate',
      'proof/tile-mismatch',
      'note/utf-8',
      // Sums that the root of a certified state rules out; checked all the same.
      'coins/balance',
    ]);
    const errors = readFileSync(join(FOLDER, '../../../docs/errors.md'), 'utf8');
    const codes = [...errors.matchAll(/^\| `([a-z]+\/[a-z0-9-]+)`/gm)].map(([, code]) => code!);
    const refused = new Set(files.flatMap(({ cases }) => cases.map((item) => item.refused)));
    const missing = codes.filter(
      (code) => areas.test(code) && !elsewhere.has(code) && !refused.has(code),
    );
    expect(missing).toEqual([]);
  });
});
