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
import { encodeAddress } from 'fanal/crypto/address.ts';
import { addressProofCodec } from 'fanal/light/address-proof.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { readAddress } from '../chain/questions.ts';
import { json, octets } from './answer.ts';
import { type Handlers, sized } from './handler.ts';

export const addressRoutes: Handlers<'address' | 'coins' | 'history' | 'addressQuery'> = {
  async address({ name, parameters }, context) {
    const { view, size, cache, more } = await sized(context, name, parameters);
    const { address } = parameters;
    readAddress(address, view);
    const bytes = await context.load(targetOf(name, { address, at: size }));
    if (parameters.format === 'bytes') return octets(bytes, cache, more);
    const shape = addressProofShape(context.prefix);
    return json(shape.to(addressProofCodec.decode(bytes)), cache, more);
  },

  async coins({ name, parameters }, context) {
    const { address, limit = DEFAULT_PAGE_ITEMS, cursor: given } = parameters;
    const cursor = given === undefined ? null : readCursor(given);
    if (given !== undefined && (cursor === null || cursorKey(cursor) === null)) {
      throw invalidRequest('/query/cursor', 'expected the cursor of the page before');
    }
    if (cursor !== null && parameters.at !== undefined && parameters.at !== cursor.at) {
      throw invalidRequest('/query/at', 'expected the size that the cursor names');
    }
    // A cursor names its size, so what follows it never changes.
    const pinned = cursor === null ? parameters : { ...parameters, at: cursor.at };
    const { view, size, cache, more } = await sized(context, name, pinned);
    const owner = readAddress(address, view);
    const target = targetOf(name, {
      address,
      at: size,
      limit,
      ...(given === undefined ? {} : { cursor: given }),
    });
    const bytes = await context.load(target);
    if (parameters.format === 'bytes') return octets(bytes, cache, more);
    const { coins, hasMore, height } = coinsPageCodec.decode(bytes);
    const last = coins.at(-1);
    const isMore = hasMore && last !== undefined;
    const next = isMore ? writeCursor({ at: size, after: toHex(coinKey(last)) }) : null;
    const shape = coinsPageShape(context.prefix);
    return json(shape.to({ address: owner, height, items: coins, next }), cache, {
      ...more,
      headers: {
        ...more.headers,
        ...linkTo(next, (cursor) => targetOf(name, { address, limit, cursor })),
      },
    });
  },

  async history({ name, parameters }, context) {
    const { address, from = 0n, limit = DEFAULT_PAGE_ITEMS } = parameters;
    const { view, size, cache, more } = await sized(context, name, parameters);
    readAddress(address, view);
    const bytes = await context.load(targetOf(name, { address, at: size, from, limit }));
    if (parameters.format === 'bytes') return octets(bytes, cache, more);
    const shape = historyPageShape(context.prefix);
    return json(shape.to(historyPageCodec.decode(bytes)), cache, more);
  },

  async addressQuery(_, context) {
    const { addresses, at } = addressQueryShape(context.prefix).from(
      parseJson(context.body),
      '/body',
    );
    const view = at === null ? await context.tips.fresh() : await context.tips.view();
    const size = view.sizeOf(at ?? undefined);
    const proofs = await Promise.all(
      addresses.map(async (address) => {
        const text = encodeAddress(address, context.prefix);
        return toHex(await context.load(targetOf('address', { address: text, at: size })));
      }),
    );
    return json(addressAnswersShape.to({ height: size - 1n, proofs }), 'none');
  },
};

/** The `Link` header to the next page, if there is one. */
export function linkTo(
  next: string | null,
  target: (cursor: string) => string,
): Record<string, string> {
  return next === null ? {} : { link: `<${target(next)}>; rel="next"` };
}
