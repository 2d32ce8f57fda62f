/**
 * Routes about addresses: records, coins, history.
 */
import {
  addressAnswersShape,
  addressProofShape,
  addressQueryShape,
  coinsPageShape,
  historyPageShape,
} from 'fanal/api/address.ts';
import { parseJson } from 'fanal/api/json.ts';
import { targetOf } from 'fanal/api/match.ts';
import { cursorKey, readCursor, writeCursor } from 'fanal/api/parameters.ts';
import { invalidRequest } from 'fanal/api/problem.ts';
import { DEFAULT_PAGE_ITEMS } from 'fanal/chain/limits.ts';
import { coinKey } from 'fanal/chain/state-keys.ts';
import { type AddressBytes, decodeAddress } from 'fanal/crypto/address.ts';
import { addressProofCodec } from 'fanal/light/address-proof.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { bytes, json } from './answer.ts';
import { type Context, type Handlers, sized } from './handler.ts';

export const addressRoutes: Handlers<'address' | 'coins' | 'history' | 'addressQuery'> = {
  async address({ name, parameters }, context) {
    const address = addressOf(context, parameters.address);
    const proof = await context.ledger.addressProof(address, parameters.at);
    const { cache, headers } = await sized(context, name, parameters);
    if (parameters.format === 'bytes') return bytes(proof, cache, { headers });
    const shape = addressProofShape(context.identity.prefix);
    return json(shape.to(addressProofCodec.decode(proof)), cache, { headers });
  },

  async coins({ name, parameters }, context) {
    const { cursor: given, limit = DEFAULT_PAGE_ITEMS } = parameters;
    const cursor = given === undefined ? null : readCursor(given);
    const after = cursor === null ? null : cursorKey(cursor);
    if (given !== undefined && after === null) {
      throw invalidRequest('/query/cursor', 'expected the cursor of the page before');
    }
    const at = cursor?.at ?? parameters.at ?? (await context.tip()).size;
    if (cursor !== null && parameters.at !== undefined && parameters.at !== at) {
      throw invalidRequest('/query/at', 'expected the size that the cursor names');
    }
    const address = addressOf(context, parameters.address);
    const page = await context.ledger.coins(address, {
      at,
      limit,
      ...(after === null ? {} : { after }),
    });
    // A cursor names its size, so what follows it never changes.
    const { cache, headers } = await sized(context, name, {
      ...parameters,
      ...(cursor === null ? {} : { at }),
    });
    if (parameters.format === 'bytes') return bytes(page, cache, { headers });
    const { coins, hasMore, height } = coinsPageCodec.decode(page);
    const last = coins.at(-1);
    const next =
      hasMore && last !== undefined ? writeCursor({ at, after: toHex(coinKey(last)) }) : null;
    const shape = coinsPageShape(context.identity.prefix);
    return json(shape.to({ address, height, items: coins, next }), cache, {
      headers: {
        ...headers,
        ...(next === null
          ? {}
          : {
              link: `<${targetOf(name, { address: parameters.address, limit, cursor: next })}>; rel="next"`,
            }),
      },
    });
  },

  async history({ name, parameters }, context) {
    const address = addressOf(context, parameters.address);
    const { from = 0n, limit = DEFAULT_PAGE_ITEMS, at } = parameters;
    const page = await context.ledger.history(address, {
      first: from,
      limit,
      ...(at === undefined ? {} : { at }),
    });
    const { cache, headers } = await sized(context, name, parameters);
    if (parameters.format === 'bytes') return bytes(page, cache, { headers });
    const shape = historyPageShape(context.identity.prefix);
    return json(shape.to(historyPageCodec.decode(page)), cache, { headers });
  },

  async addressQuery(_, context) {
    const shape = addressQueryShape(context.identity.prefix);
    const { addresses, at } = shape.from(parseJson(context.body), '/body');
    const size = at ?? (await context.tip()).size;
    const proofs: string[] = [];
    for (const address of addresses) {
      context.signal.throwIfAborted();
      proofs.push(toHex(await context.ledger.addressProof(address, size)));
    }
    return json(addressAnswersShape.to({ height: size - 1n, proofs }), 'none');
  },
};

function addressOf({ identity }: Context, text: string): AddressBytes {
  return decodeAddress(text, identity.prefix).address;
}
