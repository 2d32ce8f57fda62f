/**
 * Opens a ledger: the engine that executes, and what reads beside it.
 */
import { genesisCodec } from 'fanal/chain/genesis.ts';
import { SPARE_COSIGNATURES } from 'fanal/chain/limits.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { trimCosignatures } from 'fanal/checkpoint/certify.ts';
import type { CertifiedCheckpoint } from '../core/types.ts';
import { AddressReads } from './address-reads.ts';
import { ChainReads, encode } from './chain-reads.ts';
import { CosigningBoard } from './cosigning-board.ts';
import { LedgerEngine, type LedgerOptions } from './engine.ts';
import type { Ledger, LedgerInfo, LedgerStats } from './ledger.ts';
import { orderOfInput } from './work-order.ts';

export type { LedgerOptions } from './engine.ts';

/**
 * Opens the ledger of a chain, making it from the genesis where there is none.
 *
 * It holds the state map in memory, about 170 bytes an address, and takes about seven seconds for
 * each million of them to open.
 *
 * @throws {FanalError} `ledger/other-genesis`
 * @throws {StoreError} `store/state-mismatch` and whatever the disk says
 */
export function openLedger(options: LedgerOptions): Ledger {
  const engine = new LedgerEngine(options);
  const chain = new ChainReads(engine);
  const addresses = new AddressReads(engine, chain);
  const board = new CosigningBoard(engine.tables);
  return {
    execute(block, verified) {
      return engine.execute(orderOfInput(block), verified);
    },
    apply: (block) => engine.apply(block),
    certified(checkpoint) {
      const set = chain.setAt(checkpoint.size);
      const { size, root } = checkpoint;
      const all = cosignaturesOf(checkpoint);
      engine.addCertified({
        ...{ size, root },
        cosignatures: trimCosignatures(all, set, SPARE_COSIGNATURES),
      });
    },
    discardUncertified: () => engine.discardUncertified(),
    recordCosigning: (report) => board.add(report),
    prune: () => engine.prune(),
    info: () => infoOf(engine),
    stats: () => statsOf(engine),
    tip: () => engine.tip,
    certifiedTip: () => chain.certifiedTip(),
    epoch: () => chain.currentEpoch(),
    checkpoint: (size) => chain.checkpoint(size),
    cosignedCheckpoint: (size) => chain.cosigned(size),
    header: (height) => chain.header(height),
    headers: (first, limit) => chain.headers(first, limit),
    headerProof: (height, at) => chain.headerProof(height, at),
    consistency: (oldSize, newSize) => chain.consistency(oldSize, newSize),
    update: (fromSize) => chain.update(fromSize),
    handover: (epoch) => chain.handover(epoch),
    validatorSet: (hash) => chain.validatorSet(hash),
    tile: (level, index, width) => chain.tile(level, index, width),
    entryBundle: (index, width) => chain.entryBundle(index, width),
    block: (height) => chain.block(height),
    blockTransactions: (height, first, limit) => chain.blockTransactions(height, first, limit),
    transaction: (txid) => chain.transaction(txid),
    transactionProof: (txid, at) => chain.transactionProof(txid, at),
    receipt: (txid, fromEpoch) => chain.receipt(txid, fromEpoch),
    transactionStatus: (txid) => chain.transactionStatus(txid),
    spendable: (inputs) => addresses.spendable(inputs),
    checkActions: (transactions) => engine.checkActions(transactions),
    addressProof: (address, at) => addresses.addressProof(address, at),
    stateProof: (key, at) => addresses.stateProof(key, at),
    coins: (address, query) => addresses.coins(address, query),
    history: (address, query) => addresses.history(address, query),
    validators(epoch) {
      board.flush();
      return addresses.validators(epoch);
    },
    close() {
      // A disk that failed refuses the last counts; the file is closed all the same.
      try {
        board.flush();
      } finally {
        engine.close();
      }
    },
  };
}

function cosignaturesOf({ cosignatures }: CertifiedCheckpoint) {
  return cosignatures.map(({ author, cosignature: { time, signature } }) => ({
    validator: author,
    ...{ time, signature },
  }));
}

function infoOf(engine: LedgerEngine): LedgerInfo {
  const { origin, genesisId, genesis, mode, counts, registry } = engine;
  return {
    ...{ origin, genesisId, mode },
    genesis: encode(genesisCodec, genesis),
    params: encode(paramsCodec, registry.params),
    knowsVersion: engine.knowsVersion,
    firstBlock: counts.firstBody,
    firstHistory: counts.firstHistory,
    firstProvableSize: engine.tree.oldest + 1n,
  };
}

function statsOf(engine: LedgerEngine): LedgerStats {
  const { counts, registry, tables, tree } = engine;
  return {
    coins: counts.coins,
    addresses: counts.addresses,
    transactions: counts.payments,
    databaseBytes: tables.database.sizeBytes(),
    stateTreeBytes: tree.sizeBytes + tables.coins.treeBytes,
    supplyUnits: registry.epoch.supply,
  };
}
