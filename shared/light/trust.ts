/**
 * What a light client trusts: one header of the chain, who certifies the next ones, and when it
 * was last sure. A few kilobytes, however long the chain (docs/protocol.md §10.1).
 *
 * The trust file is this state in text: lines for people, then the bytes. It anchors offline
 * checks, and a fresh client starts from one.
 */

import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_ORIGIN_BYTES, MAX_TRUST_FILE_BYTES, MAX_VALIDATORS } from '../chain/limits.ts';
import { originNames, parseOrigin } from '../chain/origin.ts';
import { readText, writeText } from '../chain/text.ts';
import { type ValidatorSet, validatorSetCodec } from '../chain/validators.ts';
import {
  COSIGNATURE_BYTES,
  type Cosignature,
  cosignatureCodec,
} from '../checkpoint/cosignature.ts';
import { ADDRESS_PREFIXES, type AddressPrefix } from '../crypto/address.ts';
import { type Bytes32, equalBytes, fromBase64, toBase64, toHex } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { DecodeError } from '../primitives/errors.ts';
import type { LogTip, VerifiedHeader } from './header-proof.ts';

export interface TrustState {
  readonly origin: string;
  readonly genesisId: Bytes32;
  /** What addresses of this network begin with. */
  readonly prefix: AddressPrefix;
  /** How long the client may sleep before it needs a new anchor. */
  readonly trustingPeriodMillis: bigint;
  /** The set of the header's epoch. */
  readonly validators: ValidatorSet;
  /** The newest header that is trusted. The log's size is its height + 1. */
  readonly header: Header;
  /** Root of the header log with this header in it. */
  readonly root: Bytes32;
  /** The quorum that certified size and root: half of the proof, should there be a fork. */
  readonly cosignatures: readonly Cosignature[];
  /** The latest time that more than one third of stake vouched for, in milliseconds. */
  readonly sureAt: bigint;
}

const TRUST_VERSION = 1;

export const trustStateCodec: Codec<TrustState> = codec(
  'trust state',
  MAX_TRUST_FILE_BYTES / 2,
  (writer, state) => {
    writer.u8(TRUST_VERSION);
    writeText(writer, state.origin);
    writer
      .bytes(state.genesisId, 32)
      .u8(ADDRESS_PREFIXES.indexOf(state.prefix))
      .u64(state.trustingPeriodMillis);
    validatorSetCodec.write(writer, state.validators);
    headerCodec.write(writer, state.header);
    writer
      .bytes(state.root, 32)
      .list(state.cosignatures, MAX_VALIDATORS, cosignatureCodec.write)
      .u64(state.sureAt);
  },
  (reader) => {
    const version = reader.u8();
    if (version !== TRUST_VERSION) {
      throw reader.error('version', `expected version ${TRUST_VERSION}, found ${version}`);
    }
    const origin = readText(reader, MAX_ORIGIN_BYTES, 'an origin', isOrigin);
    const genesisId = reader.bytes32();
    const prefixIndex = reader.u8();
    const prefix = ADDRESS_PREFIXES[prefixIndex];
    if (prefix === undefined) {
      throw reader.error('prefix', `expected an address prefix 0 to 2, found ${prefixIndex}`);
    }
    const state: TrustState = {
      origin,
      genesisId,
      prefix,
      trustingPeriodMillis: reader.u64(),
      validators: validatorSetCodec.read(reader),
      header: headerCodec.read(reader),
      root: reader.bytes32(),
      cosignatures: reader.list(MAX_VALIDATORS, COSIGNATURE_BYTES, cosignatureCodec.read),
      sureAt: reader.u64(),
    };
    if (!originNames(origin, genesisId)) {
      throw reader.error('origin', `${origin} is not of genesis ${toHex(genesisId)}`);
    }
    if (!equalBytes(state.validators.hash, state.header.validatorsHash)) {
      throw reader.error('validators', 'the set is not the one that the header names');
    }
    return state;
  },
);

/** The size and root that proofs are checked against. */
export function trustedTip({ header, root }: TrustState): LogTip {
  return { size: header.height + 1n, root };
}

/** The newest header that is trusted, for proofs that lead to its state. */
export function trustedHeader({ header }: TrustState): VerifiedHeader {
  return header as VerifiedHeader;
}

const FILE_HEAD = 'fanal-trust/1';
const DATA = '\ndata ';

/** Writes a trust file. */
export function formatTrust(state: TrustState): string {
  const { origin, genesisId, header, root, validators, sureAt } = state;
  return [
    FILE_HEAD,
    `origin ${origin}`,
    `genesis ${toHex(genesisId)}`,
    `epoch ${header.epoch}`,
    `size ${header.height + 1n}`,
    `root ${toHex(root)}`,
    `validators ${validators.validators.length}`,
    `sure-at ${sureAt}`,
    `data ${toBase64(trustStateCodec.encode(state))}`,
    '',
  ].join('\n');
}

/**
 * Reads a trust file. The lines for people must say what the bytes say.
 *
 * @throws {DecodeError} `trust/file`, or what the bytes are refused for
 */
export function parseTrust(text: string): TrustState {
  const at = text.indexOf(DATA);
  if (text.length > MAX_TRUST_FILE_BYTES || !text.startsWith(`${FILE_HEAD}\n`) || at < 0) {
    throw refuse(`expected a file that begins with ${FILE_HEAD} and ends with its data`);
  }
  const state = trustStateCodec.decode(fromBase64(text.slice(at + DATA.length).trimEnd()));
  if (formatTrust(state) !== text) throw refuse('the lines do not say what the data says');
  return state;
}

function refuse(message: string): DecodeError {
  return new DecodeError('trust/file', message, { hint: 'Get the trust file again.' });
}

function isOrigin(text: string): boolean {
  return parseOrigin(text) !== null;
}
