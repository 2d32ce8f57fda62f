/**
 * Routes about the chain: its tip, updates, tiles, headers, blocks.
 */
import { chainShape, feesShape, mempoolShape, validatorsShape } from 'fanal/api/chain.ts';
import { blockShape, headersShape } from 'fanal/api/header.ts';
import { parseJson } from 'fanal/api/json.ts';
import { targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
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
import { DEFAULT_PAGE_ITEMS, MAX_HANDOVERS } from 'fanal/chain/limits.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { cosignerKeyText } from 'fanal/checkpoint/cosignature.ts';
import { type Handover, handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import { parseTilePath, TILE_WIDTH } from 'fanal/merkle/tiles.ts';
import { concat, equalBytes, utf8 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { ChainView } from '../chain/chain-view.ts';
import { tipNote } from '../chain/tip.ts';
import { Unhelpful } from '../chain/upstream-pool.ts';
import { json, make, octets, text } from './answer.ts';
import { type Context, type Handlers, notFound, ofTip, sized } from './handler.ts';

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
  async checkpoint(_, { tips }) {
    const view = await tips.fresh();
    return text(tipNote(view.tip), 'tip', ofTip(view));
  },

  async tile({ parameters }, { tips, load }) {
    const resource = parseTilePath(`tile/${parameters.tile}`);
    const { index, width } = resource.kind === 'hashes' ? resource.tile : resource.bundle;
    const view = await tips.view();
    if (resource.kind === 'entries') {
      if (width === TILE_WIDTH && (index + 1n) * BigInt(TILE_WIDTH) > view.size) {
        throw notFound('tile/not-yet');
      }
      const body = await load(`/tile/${parameters.tile}`);
      return octets(body, width === TILE_WIDTH ? 'immutable' : 'partial');
    }
    const hashes = await view.log.tile(resource.tile.level, index);
    if (hashes.length < width) throw notFound('tile/not-yet');
    const body = concat(...hashes.slice(0, width));
    return octets(body, width === TILE_WIDTH ? 'immutable' : 'partial');
  },

  async chain(_, context) {
    const view = await context.tips.fresh();
    const { state, verifiedAt, sources } = view.tip;
    const { header, root, origin, genesisId, prefix } = state;
    const [params, reported] = await Promise.all([context.params(), nodeReport(context)]);
    const { version, commit } = context.identity;
    const report = {
      origin,
      genesisId,
      prefix,
      params,
      validatorsHash: header.validatorsHash,
      tip: {
        height: header.height,
        size: view.size,
        root,
        blockId: blockId(header),
        epoch: header.epoch,
        time: header.time,
        verifiedAt,
        sources,
      },
      firstBlock: reported.firstBlock,
      firstProvableSize: reported.firstProvableSize,
      faucet: reported.faucet && context.identity.faucet,
      software: { name: 'fanal-gateway', version, commit },
    };
    return json(chainShape.to(report), 'tip', ofTip(view));
  },

  async genesis({ parameters }, { load }) {
    const bytes = await load(targetOf('genesis', {}));
    if (parameters.format === 'bytes') return octets(bytes, 'immutable');
    const file = genesisToText(genesisCodec.decode(bytes));
    return make(utf8(file), 'application/json', 'immutable');
  },

  async update({ parameters }, context) {
    const view = await context.tips.fresh();
    const from = parameters.from ?? 1n;
    if (from > view.size) throw new Problem('not-yet-certified');
    const update = await updateFrom(from === 0n ? 1n : from, view, context);
    if (parameters.format === 'bytes')
      return octets(updateCodec.encode(update), 'tip', ofTip(view));
    return json(updateShape(context.prefix).to(update), 'tip', ofTip(view));
  },

  async handover({ parameters }, { load, prefix }) {
    const bytes = await load(targetOf('handover', { epoch: parameters.epoch }));
    if (parameters.format === 'bytes') return octets(bytes, 'immutable');
    return json(handoverShape(prefix).to(handoverCodec.decode(bytes)), 'immutable');
  },

  async validatorSet({ parameters }, { load, prefix, tips }) {
    const { validators } = (await tips.view()).tip.state;
    const bytes = equalBytes(validators.hash, parameters.hash)
      ? validatorSetCodec.encode(validators)
      : await load(targetOf('validatorSet', { hash: parameters.hash }));
    if (parameters.format === 'bytes') return octets(bytes, 'immutable');
    return json(validatorSetShape(prefix).to(validatorSetCodec.decode(bytes)), 'immutable');
  },

  async validators(_, { tips, nodes, prefix }) {
    const view = await tips.fresh();
    const shape = validatorsShape(prefix);
    const { validators, origin } = view.tip.state;
    const board = await nodes.report(targetOf('validators', {}), (body) => {
      const found = shape.from(parseJson(body));
      if (!equalBytes(found.validatorsHash, validators.hash)) {
        throw new Unhelpful('a board of another set');
      }
      const active = found.items.filter((item) => item.active);
      const isOurs = validators.validators.every((member) =>
        active.some(
          ({ name, stake, vkey, owner }) =>
            name === member.name &&
            stake === member.stake &&
            vkey === cosignerKeyText(origin, member) &&
            equalBytes(owner, member.owner),
        ),
      );
      if (!isOurs || active.length !== validators.validators.length) {
        throw new FanalError('board/another-set', 'the board does not list the set in force');
      }
      return found;
    });
    return json(shape.to(board), 'tip', ofTip(view));
  },

  async header({ name, parameters }, context) {
    const { view, size, cache, more } = await sized(context, name, parameters);
    const proof = await view.headerProof(parameters.height, size);
    if (parameters.format === 'bytes') {
      return octets(headerProofCodec.encode(proof), cache, more);
    }
    return json(headerProofShape.to(proof), cache, more);
  },

  async headers({ parameters }, { tips }) {
    const view = await tips.view();
    const first = parameters.from ?? 0n;
    const limit = parameters.limit ?? DEFAULT_PAGE_ITEMS;
    const end = first + BigInt(limit) < view.size ? first + BigInt(limit) : view.size;
    const headers = first < end ? await view.headers(first, end) : [];
    // A page that is full will never say anything else.
    const cache = headers.length === limit ? 'immutable' : 'unsized';
    if (parameters.format === 'bytes') return octets(concat(...headers), cache);
    const next = first + BigInt(headers.length);
    return json(
      headersShape.to({
        items: headers.map((encoded) => {
          const header = headerCodec.decode(encoded);
          return { id: blockId(header), header };
        }),
        next: headers.length > 0 && next < view.size ? next : null,
      }),
      cache,
    );
  },

  async block({ parameters }, { load, tips }) {
    const { size } = await tips.view();
    if (parameters.height >= size) throw notFound('block/above-tip');
    const bytes = await load(targetOf('block', { height: parameters.height }));
    if (parameters.format === 'bytes') return octets(bytes, 'immutable');
    const { header, committed, equivocations } = blockCodec.decode(bytes);
    const id = blockId(header);
    return json(
      blockShape.to({ id, header, committed, equivocations, sizeBytes: bytes.length }),
      'immutable',
    );
  },

  async state({ name, parameters }, context) {
    const { size, cache, more } = await sized(context, name, parameters);
    const bytes = await context.load(targetOf('state', { key: parameters.key, at: size }));
    if (parameters.format === 'bytes') return octets(bytes, cache, more);
    return json(stateProofShape.to(stateProofCodec.decode(bytes)), cache, more);
  },

  async fees(_, { nodes }) {
    const fees = await nodes.report(targetOf('fees', {}), (body) =>
      feesShape.from(parseJson(body)),
    );
    return json(feesShape.to(fees), 'reported');
  },

  async mempool(_, { nodes }) {
    const mempool = await nodes.report(targetOf('mempool', {}), (body) =>
      mempoolShape.from(parseJson(body)),
    );
    return json(mempoolShape.to(mempool), 'reported');
  },
};

/** What only a node can say of itself; the most cautious values when none is there to ask. */
async function nodeReport({ nodes, tips }: Context) {
  try {
    const { firstBlock, firstProvableSize, faucet } = await nodes.report(
      targetOf('chain', {}),
      (body) => chainShape.from(parseJson(body)),
    );
    return { firstBlock, firstProvableSize, faucet };
  } catch {
    const { size } = await tips.view();
    return { firstBlock: size - 1n, firstProvableSize: size, faucet: false };
  }
}

/**
 * What leads a light client from a size to the tip: made of tiles, kept handovers and the
 * checkpoint that we have certified ourselves.
 */
async function updateFrom(from: bigint, view: ChainView, context: Context): Promise<Update> {
  const { state } = view.tip;
  const { size } = view;
  const [{ root }, first, inclusion, consistency] = await Promise.all([
    view.logAt(from),
    view.header(from - 1n),
    view.log.inclusion(size - 1n, size),
    view.log.consistency(from, size),
  ]);
  const handovers = await handoversBetween(first.epoch, state.header.epoch, context);
  return {
    from: { size: from, root },
    handovers,
    checkpoint: { size, root: state.root, cosignatures: state.cosignatures },
    header: state.header,
    inclusion,
    consistency,
  };
}

/** The handovers that lead from one epoch to a later one; none when they are the same. */
export async function handoversBetween(
  from: number,
  to: number,
  { load }: Context,
): Promise<Handover[]> {
  if (to - from > MAX_HANDOVERS) throw new Problem('pruned', { reason: 'update/too-many-epochs' });
  return Promise.all(
    Array.from({ length: Math.max(0, to - from) }, async (_, i) =>
      handoverCodec.decode(await load(targetOf('handover', { epoch: from + i }))),
    ),
  );
}
