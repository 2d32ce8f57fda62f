/**
 * The trust file: a trusted state in text, lines for people and then the bytes. It anchors offline
 * checks, and a fresh client starts from one (docs/protocol.md §9.1).
 */
import { MAX_TRUST_FILE_BYTES } from '../chain/limits.ts';
import { fromBase64, toBase64, toHex } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { type TrustState, trustStateCodec } from './trust.ts';

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
