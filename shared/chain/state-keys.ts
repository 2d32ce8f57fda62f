/**
 * Where each record stands in the state map (docs/protocol.md §5.1).
 *
 * Every key is a hash, so the map stays shallow whatever addresses people choose.
 */
import type { AddressBytes } from '../crypto/address.ts';
import { type Bytes32, concat, utf8 } from '../primitives/bytes.ts';
import { Writer } from '../primitives/codec.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Outpoint } from './coin.ts';

const ADDRESS = utf8('a');
const VALIDATOR = utf8('v');

/** SHA-256("a" ‖ address): the key of an address record. */
export function addressKey(address: AddressBytes): Bytes32 {
  return sha256(concat(ADDRESS, address));
}

/** SHA-256("v" ‖ name): the key of a validator record. */
export function validatorKey(name: string): Bytes32 {
  return sha256(concat(VALIDATOR, utf8(name)));
}

/** SHA-256("p"): the key of the parameters in force. */
export const PARAMETERS_KEY: Bytes32 = /* @__PURE__ */ sha256(utf8('p'));

/** SHA-256("e"): the key of the running epoch's accounts. */
export const EPOCH_KEY: Bytes32 = /* @__PURE__ */ sha256(utf8('e'));

/** SHA-256("u"): the key of what validators are ready for; absent until one says it. */
export const READINESS_KEY: Bytes32 = /* @__PURE__ */ sha256(utf8('u'));

/** SHA-256(txid ‖ index): the key of a coin in its address's coin map. */
export function coinKey(outpoint: Outpoint): Bytes32 {
  return sha256(new Writer(34).bytes(outpoint.txid, 32).u16(outpoint.index).finish());
}
