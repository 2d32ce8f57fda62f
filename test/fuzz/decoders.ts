/**
 * Every decoder, on anything: it gives one canonical value, or refuses with a typed error.
 */
import { genesisFromText, genesisToText } from 'fanal/chain/genesis-file.ts';
import { parseOrigin } from 'fanal/chain/origin.ts';
import { signedTransactionCodec } from 'fanal/chain/transaction.ts';
import { checkShape } from 'fanal/chain/transaction-check.ts';
import { parseCheckpointBody } from 'fanal/checkpoint/checkpoint.ts';
import { noteFromBytes, parseNote } from 'fanal/checkpoint/note.ts';
import { decodeAddress, encodeAddress } from 'fanal/crypto/address.ts';
import { formatTrust, parseTrust } from 'fanal/light/trust-file.ts';
import { decodeEntries, decodeTile, parseTilePath } from 'fanal/merkle/tiles.ts';
import { equalBytes, fromBase64, fromHex, toBase64, utf8 } from 'fanal/primitives/bytes.ts';
import { u64FromText } from 'fanal/primitives/units.ts';
import fc from 'fast-check';
import { testChain } from '../support/chain.ts';
import { CODECS } from '../support/codecs.ts';
import { signNatively } from '../support/native.ts';
import type { Outcome, Target } from './target.ts';

/** All codecs, then all texts. */
export function decoderTargets(): Target[] {
  return [...CODECS.map(codecTarget), ...textTargets()];
}

function codecTarget({ name, codec, arbitrary }: (typeof CODECS)[number]): Target {
  const values = fc.sample(arbitrary, { seed: 7, numRuns: 12 });
  const target: Target<Uint8Array> = {
    name: `decode ${name}`,
    answers: values.map(codec.encode),
    fields: { decode: codec.decode, encode: codec.encode },
    judge: (bytes) => {
      const again = codec.encode(codec.decode(bytes));
      return equalBytes(again, bytes) ? 'true' : { wrong: 'two encodings of one value' };
    },
  };
  return target as Target;
}

function textTargets(): Target[] {
  const chain = testChain({ sign: signNatively }).grow(2);
  const rules = { genesisId: chain.genesisId, params: chain.genesis.params };
  const payment = chain.payment('alice', [{ to: 'bob', units: 100_000n }]);
  /** A reader that must be able to write what it read, in the same text. */
  const text = (name: string, answers: readonly string[], again: (text: string) => string) =>
    ({
      name: `read ${name}`,
      answers,
      judge: (given: string): Outcome =>
        again(given) === given ? 'true' : { wrong: 'read and written again, it is another text' },
    }) as Target;
  /** A reader that may take several texts for one value. */
  const reads = (name: string, answers: readonly string[], read: (text: string) => unknown) =>
    ({
      name: `read ${name}`,
      answers,
      judge: (given: string): Outcome => {
        read(given);
        return 'true';
      },
    }) as Target;
  const address = encodeAddress(chain.person('alice').address, 'dfan');
  const shape: Target<Uint8Array> = {
    name: 'check shape',
    answers: [signedTransactionCodec.encode(payment)],
    judge: (bytes) => (checkShape(bytes, rules).kind === 'refused' ? 'refused' : 'true'),
  };
  const bytesOf = (
    name: string,
    answers: readonly Uint8Array[],
    read: (bytes: Uint8Array) => unknown,
  ) =>
    ({
      name: `read ${name}`,
      answers,
      judge: (given: Uint8Array): Outcome => {
        read(given);
        return 'true';
      },
    }) as Target<Uint8Array> as Target;
  return [
    shape as Target,
    text('trust file', [formatTrust(chain.trust())], (t) => formatTrust(parseTrust(t))),
    reads('genesis file', [genesisToText(chain.genesis)], genesisFromText),
    reads('note', [chain.note()], parseNote),
    reads('checkpoint body', [parseNote(chain.note()).text], parseCheckpointBody),
    reads('origin', [chain.origin], parseOrigin),
    reads('address', [address, address.toUpperCase()], (t) => decodeAddress(t)),
    text('base64', ['aGVsbG8=', 'AAAA', ''], (t) => toBase64(fromBase64(t))),
    reads('hex', ['00ff10', ''], (t) => fromHex(t)),
    text('u64', ['0', '1', '9223372036854775807'], (t) => String(u64FromText(t))),
    reads(
      'tile path',
      ['tile/0/000', 'tile/1/x001/234.p/17', 'tile/entries/x001/234'],
      parseTilePath,
    ),
    bytesOf('tile', [new Uint8Array(32 * 3)], (b) => decodeTile(b, 3)),
    bytesOf('entries', [Uint8Array.of(0, 1, 7, 0, 2, 8, 8)], (b) => decodeEntries(b, 2)),
    bytesOf('utf-8', [utf8('— a note'), utf8('𝟘')], noteFromBytes),
  ];
}
