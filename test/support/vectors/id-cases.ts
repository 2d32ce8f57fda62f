/**
 * Vectors of ids and hashes: what every implementation must compute alike before anything else.
 */
import { genesisCodec, genesisDigest } from 'fanal/chain/genesis.ts';
import { genesisToText } from 'fanal/chain/genesis-file.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { genesisContext, type KeyRole, possessionMessage } from 'fanal/chain/registration.ts';
import {
  addressKey,
  coinKey,
  EPOCH_KEY,
  PARAMETERS_KEY,
  validatorKey,
} from 'fanal/chain/state-keys.ts';
import {
  transactionCodec,
  transactionId,
  transactionSighash,
  witnessesCodec,
} from 'fanal/chain/transaction.ts';
import { transactionLeaf } from 'fanal/chain/transaction-leaf.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { cosignatureMessage, cosignerKeyText } from 'fanal/checkpoint/cosignature.ts';
import { addressFromKey, addressFromKeys, encodeAddress } from 'fanal/crypto/address.ts';
import { leafHash } from 'fanal/merkle/list.ts';
import { asciiText, toHex } from 'fanal/primitives/bytes.ts';
import type { TestChain } from '../chain.ts';
import { account } from '../people.ts';
import { type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

export function idVectors(chain: TestChain): VectorFile {
  const { genesis, genesisState, genesisId, origin, set } = chain;
  const signed = chain.transactionsOf(1)[0]!;
  const txid = transactionId(signed.transaction);
  const keys = ['one', 'two', 'three'].map((name) => account(name).publicKey);
  const alice = chain.person('alice');
  const { registration } = genesis.validators[0]!;
  const context = genesisContext(genesis.domain, genesis.network);
  const checkpoint = { origin, size: 2n, root: chain.root(2n) };
  const cases: VectorCase[] = [
    {
      name: 'transaction id, sighash and leaf',
      kind: 'transaction',
      transaction: toHex(transactionCodec.encode(signed.transaction)),
      witnesses: toHex(witnessesCodec.encode(signed.witnesses)),
      genesisId: toHex(genesisId),
      txid: toHex(txid),
      sighash: toHex(transactionSighash(signed.transaction, genesisId)),
      leafData: toHex(transactionLeaf(txid, witnessesCodec.encode(signed.witnesses))),
      leafHash: toHex(leafHash(transactionLeaf(txid, witnessesCodec.encode(signed.witnesses)))),
    },
    {
      name: 'block id',
      kind: 'block',
      header: toHex(headerCodec.encode(chain.header(1n))),
      blockId: toHex(leafHash(headerCodec.encode(chain.header(1n)))),
    },
    {
      name: 'genesis file, digest, header 0, id and origin',
      kind: 'genesis',
      file: genesisToText(genesis),
      genesis: toHex(genesisCodec.encode(genesis)),
      digest: toHex(genesisDigest(genesis)),
      header: toHex(headerCodec.encode(genesisState.header)),
      genesisId: toHex(genesisId),
      origin,
    },
    {
      name: 'validator set hash',
      kind: 'set',
      set: toHex(validatorSetCodec.encode(set)),
      hash: toHex(set.hash),
    },
    {
      name: 'address of one key',
      kind: 'address',
      publicKey: toHex(alice.publicKey),
      address: toHex(addressFromKey(alice.publicKey)),
      text: encodeAddress(alice.address, 'dfan'),
    },
    {
      name: 'address of two of three keys, in whatever order they are given',
      kind: 'threshold',
      threshold: 2,
      publicKeys: keys.map(toHex),
      address: toHex(addressFromKeys(2, keys)),
      text: encodeAddress(addressFromKeys(2, keys), 'tfan'),
    },
    {
      name: 'possession messages of a genesis validator',
      kind: 'possession',
      domain: genesis.domain,
      network: genesis.network,
      context: toHex(context),
      validatorName: registration.name,
      vertexKey: toHex(registration.vertexKey),
      checkpointKey: toHex(registration.checkpointKey),
      networkKey: toHex(registration.networkKey),
      owner: toHex(registration.owner),
      messages: [0, 1, 2].map((role) =>
        toHex(possessionMessage(registration, role as KeyRole, context)),
      ),
      proofs: registration.proofs.map(toHex),
    },
    {
      name: 'state keys',
      kind: 'keys',
      address: toHex(alice.address),
      addressKey: toHex(addressKey(alice.address)),
      validator: 'val-001',
      validatorKey: toHex(validatorKey('val-001')),
      parametersKey: toHex(PARAMETERS_KEY),
      epochKey: toHex(EPOCH_KEY),
      txid: toHex(txid),
      index: 1,
      coinKey: toHex(coinKey({ txid, index: 1 })),
    },
    {
      name: 'payout id of epoch 7',
      kind: 'payout',
      genesisId: toHex(genesisId),
      epoch: 7,
      payoutId: toHex(payoutId(genesisId, 7)),
    },
    {
      name: 'what a cosigner signs, and its key in text',
      kind: 'cosigner',
      origin,
      size: '2',
      root: toHex(checkpoint.root),
      time: '1750000001',
      validator: 'val-001',
      checkpointKey: toHex(set.validators[0]!.checkpointKey),
      message: asciiText(cosignatureMessage(checkpoint, 1_750_000_001n)),
      vkey: cosignerKeyText(origin, set.validators[0]!),
    },
  ];
  return vectorFile(
    'docs/protocol.md §2, §3.2, §5.1, §6, §7.3, §8.4',
    'Compute each result from the inputs of its case. Keys of people and validators come from seeds SHA-256("fanal test seed " + name).',
    cases,
  );
}
