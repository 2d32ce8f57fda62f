/**
 * Routes about the chain: its tip, updates, handovers, headers, blocks.
 */
import { chainShape, feesShape, mempoolShape, validatorsShape } from 'fanal/api/chain.ts';
import { blockShape, headersShape } from 'fanal/api/header.ts';
import {
  handoverShape,
  headerProofShape,
  stateProofShape,
  updateShape,
  validatorSetShape,
} from 'fanal/api/proof.ts';
import { blockCodec } from 'fanal/chain/block.ts';
import { genesisCodec } from 'fanal/chain/genesis.ts';
import { genesisToText } from 'fanal/chain/genesis-file.ts';
import { blockId, headerCodec } from 'fanal/chain/header.ts';
import { DEFAULT_PAGE_ITEMS } from 'fanal/chain/limits.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { cosignerKeyText } from 'fanal/checkpoint/cosignature.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { parseTilePath, TILE_WIDTH } from 'fanal/merkle/tiles.ts';
import { concat } from 'fanal/primitives/bytes.ts';
import type { ValidatorBoardRow } from '../ledger/ledger.ts';
import { bytes, json, text } from './answer.ts';
import { found, type Handlers, sized } from './handler.ts';

export const chainRoutes: Handlers<
  | 'checkpoint'
  | 'tile'
  | 'chain'
  | 'genesis'
  | 'update'
  | 'handover'
  | 'validatorSet'
  | 'validators'
  | 'header'
  | 'headers'
  | 'block'
  | 'state'
  | 'fees'
  | 'mempool'
> = {
  async checkpoint(_, { tip }) {
    const { note, size } = await tip();
    // Nobody cosigns the genesis: a log of one header has no note yet.
    return text(found(note.length === 0 ? null : note), 'tip', { tag: `checkpoint-${size}` });
  },

  async tile({ parameters }, { ledger }) {
    const resource = parseTilePath(`tile/${parameters.tile}`);
    const { index, width } = resource.kind === 'hashes' ? resource.tile : resource.bundle;
    const body =
      resource.kind === 'hashes'
        ? await ledger.tile(resource.tile.level, index, width)
        : await ledger.entryBundle(index, width);
    return bytes(found(body), width === TILE_WIDTH ? 'immutable' : 'partial');
  },

  async chain(_, context) {
    const { ledger, identity, faucet } = context;
    const [info, tip] = await Promise.all([ledger.info(), context.tip()]);
    const header = headerCodec.decode(tip.header);
    const report = {
      origin: info.origin,
      genesisId: info.genesisId,
      prefix: identity.prefix,
      params: paramsCodec.decode(info.params),
      validatorsHash: header.validatorsHash,
      tip: {
        height: tip.height,
        size: tip.size,
        root: tip.root,
        blockId: blockId(header),
        epoch: header.epoch,
        time: header.time,
        verifiedAt: context.tipSeenAt(),
        sources: 1,
      },
      firstBlock: info.firstBlock,
      firstProvableSize: info.firstProvableSize,
      faucet: faucet !== null,
      software: { name: 'fanal-node', version: identity.version, commit: identity.commit },
    };
    return json(chainShape.to(report), 'tip');
  },

  async genesis({ parameters }, { ledger }) {
    const { genesis } = await ledger.info();
    if (parameters.format === 'bytes') return bytes(genesis, 'immutable');
    const file = genesisToText(genesisCodec.decode(genesis));
    return { body: file, type: 'application/json', cache: 'immutable' };
  },

  async update({ parameters }, { ledger, identity }) {
    const update = found(await ledger.update(parameters.from ?? 1n));
    if (parameters.format === 'bytes') return bytes(update, 'tip');
    return json(updateShape(identity.prefix).to(updateCodec.decode(update)), 'tip');
  },

  async handover({ parameters }, { ledger, identity }) {
    const handover = found(await ledger.handover(parameters.epoch));
    if (parameters.format === 'bytes') return bytes(handover, 'immutable');
    return json(handoverShape(identity.prefix).to(handoverCodec.decode(handover)), 'immutable');
  },

  async validatorSet({ parameters }, { ledger, identity }) {
    const set = found(await ledger.validatorSet(parameters.hash));
    if (parameters.format === 'bytes') return bytes(set, 'immutable');
    return json(validatorSetShape(identity.prefix).to(validatorSetCodec.decode(set)), 'immutable');
  },

  async validators(_, context) {
    const { ledger, identity } = context;
    const tip = await context.tip();
    const header = headerCodec.decode(tip.header);
    const [board, info, encoded] = await Promise.all([
      ledger.validators(),
      ledger.info(),
      ledger.validatorSet(header.validatorsHash),
    ]);
    const set = validatorSetCodec.decode(found(encoded));
    const items = board.map((row) => boardItem(row, info.origin)).sort(byRank);
    return json(
      validatorsShape(identity.prefix).to({
        epoch: header.epoch,
        height: tip.height,
        validatorsHash: set.hash,
        totalStake: set.totalStake,
        items: items.map((item, i) => ({ ...item, rank: i + 1 })),
      }),
      'tip',
    );
  },

  async header({ name, parameters }, context) {
    const { at, height } = parameters;
    const proof = found(await context.ledger.headerProof(height, at));
    const { cache, headers } = await sized(context, name, parameters);
    if (parameters.format === 'bytes') return bytes(proof, cache, { headers });
    return json(headerProofShape.to(headerProofCodec.decode(proof)), cache, { headers });
  },

  async headers({ parameters }, { ledger, tip }) {
    const first = parameters.from ?? 0n;
    const limit = parameters.limit ?? DEFAULT_PAGE_ITEMS;
    const headers = await ledger.headers(first, limit);
    const { height } = await tip();
    // A page that is full will never say anything else.
    const cache = headers.length === limit ? 'immutable' : 'unsized';
    if (parameters.format === 'bytes') return bytes(concat(...headers), cache);
    const next = first + BigInt(headers.length);
    return json(
      headersShape.to({
        items: headers.map((encoded) => {
          const header = headerCodec.decode(encoded);
          return { id: blockId(header), header };
        }),
        next: headers.length > 0 && next <= height ? next : null,
      }),
      cache,
    );
  },

  async block({ parameters }, { ledger, tip }) {
    // Above the certified tip a block may still be taken back, so it is not there yet.
    const { height } = await tip();
    const encoded = found(
      parameters.height > height ? null : await ledger.block(parameters.height),
    );
    if (parameters.format === 'bytes') return bytes(encoded, 'immutable');
    const { header, committed, equivocations } = blockCodec.decode(encoded);
    return json(
      blockShape.to({
        id: blockId(header),
        header,
        committed,
        equivocations,
        sizeBytes: encoded.length,
      }),
      'immutable',
    );
  },

  async state({ name, parameters }, context) {
    const proof = await context.ledger.stateProof(parameters.key, parameters.at);
    const { cache, headers } = await sized(context, name, parameters);
    if (parameters.format === 'bytes') return bytes(proof, cache, { headers });
    return json(stateProofShape.to(stateProofCodec.decode(proof)), cache, { headers });
  },

  async fees(_, { ledger, mempool }) {
    const params = paramsCodec.decode((await ledger.info()).params);
    return json(
      feesShape.to({
        minFeePerByte: params.feePerByte,
        feePerByte: mempool.stats().feePerByte,
        dust: params.dust,
      }),
      'reported',
    );
  },

  async mempool(_, { mempool }) {
    return json(mempoolShape.to(mempool.stats()), 'reported');
  },
};

/** A row of the board without its rank. */
function boardItem(row: ValidatorBoardRow, origin: string) {
  const record = validatorRecordCodec.decode(row.record);
  const judged = row.cosigned + row.mismatched;
  return {
    rank: 0,
    name: record.name,
    owner: record.owner,
    active: row.active,
    stake: row.stake,
    pendingBond: record.pendingBond,
    pendingUnbond: record.pendingUnbond,
    retired: record.retired,
    jailedUntil: record.jailedUntil,
    readyFor: row.readyFor,
    vkey: cosignerKeyText(origin, record),
    checkpoints: row.checkpoints,
    cosigned: row.cosigned,
    mismatched: row.mismatched,
    cosignedShare: shareOf(row.cosigned, row.checkpoints),
    accuracy: shareOf(row.cosigned, judged),
    rounds: row.rounds,
    rewards: row.rewards,
  };
}

function shareOf(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : Number(part) / Number(whole);
}

type BoardItem = ReturnType<typeof boardItem>;

/** Best first: accuracy, then cosigned, then rounds; members before others, then by name. */
function byRank(a: BoardItem, b: BoardItem): number {
  if (a.active !== b.active) return a.active ? -1 : 1;
  const accuracy = (b.accuracy ?? 1) - (a.accuracy ?? 1);
  if (accuracy !== 0) return accuracy;
  const cosigned = (b.cosignedShare ?? 1) - (a.cosignedShare ?? 1);
  if (cosigned !== 0) return cosigned;
  if (a.rounds !== b.rounds) return a.rounds > b.rounds ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
