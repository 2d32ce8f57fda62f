/**
 * Vectors of checkpoints: notes that certify, and notes that are refused, each with its reason.
 */

import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { cosignedCheckpointCodec } from 'fanal/checkpoint/cosigned.ts';
import { parseNote } from 'fanal/checkpoint/note.ts';
import { fromBase64, toBase64, toHex } from 'fanal/primitives/bytes.ts';
import type { TestChain } from '../chain.ts';
import { flipped, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

/** @param chain stakes of 2,000, 1,000, 1,000 and 500 coins */
export function checkpointVectors(chain: TestChain): VectorFile {
  const { origin, set, size } = chain;
  const note = chain.note();
  const { text, signatures } = parseNote(note);
  const [first] = signatures;
  const lines = note
    .slice(text.length + 1)
    .trimEnd()
    .split('\n');
  const noteOf = (...some: string[]) => `${text}\n${some.map((line) => `${line}\n`).join('')}`;
  /** A line with one byte of its signature part changed. */
  const spoilt = (line: string, at: number) => {
    const [dash, name, base64] = line.split(' ');
    return [dash, name, toBase64(flipped(fromBase64(base64!), at))].join(' ');
  };
  const cut = (line: string) => {
    const [dash, name, base64] = line.split(' ');
    return [dash, name, toBase64(fromBase64(base64!).slice(0, -1))].join(' ');
  };
  const stranger = `— example.org/witness ${toBase64(new Uint8Array(76))}`;
  const sameName = `— ${first!.name} ${toBase64(new Uint8Array(76))}`;
  const small = ['val-002', 'val-003', 'val-004'];
  const given: readonly [string, string, string?][] = [
    ['everybody', note],
    ['just more than two thirds', chain.note(size, { signers: ['val-001', 'val-002', 'val-004'] })],
    ['lines in another order', noteOf(...lines.toReversed())],
    ['a stranger among them', noteOf(stranger, ...lines)],
    ['a known name with another key id', noteOf(sameName, ...lines)],
    ['one line twice', noteOf(lines[0]!, ...lines)],
    ['a bad line after a good one of the same key', noteOf(...lines, spoilt(lines[0]!, 40))],
    ['a bad line beyond the quorum', noteOf(...lines.slice(0, 3), spoilt(lines[3]!, 40))],
    ['too little stake', chain.note(size, { signers: small }), 'checkpoint/no-quorum'],
    [
      'one line many times',
      noteOf(...new Array<string>(4).fill(lines[3]!)),
      'checkpoint/no-quorum',
    ],
    [
      'a bad line of the heaviest',
      noteOf(spoilt(lines[0]!, 40), ...lines.slice(1)),
      'checkpoint/bad-cosignature',
    ],
    [
      'a bad line before a good one',
      noteOf(spoilt(lines[0]!, 40), ...lines),
      'checkpoint/bad-cosignature',
    ],
    [
      'another time than was signed',
      noteOf(spoilt(lines[0]!, 11), ...lines.slice(1)),
      'checkpoint/bad-cosignature',
    ],
    [
      'a line that is too short',
      noteOf(cut(lines[0]!), ...lines.slice(1)),
      'checkpoint/bad-cosignature',
    ],
    [
      'another size than was signed',
      note.replace(`\n${size}\n`, `\n${size + 1n}\n`),
      'checkpoint/bad-cosignature',
    ],
    [
      'another root than was signed',
      note.replace(toBase64(chain.root()), toBase64(chain.root(1n))),
      'checkpoint/bad-cosignature',
    ],
    [
      'another origin',
      note.replaceAll(`${origin}\n`, `${origin.replace('unit', 'main')}\n`),
      'checkpoint/origin',
    ],
    ['an extension line', `${text}more\n\n${lines.join('\n')}\n`, 'checkpoint/extension'],
    [
      'two lines of body',
      `${text.split('\n').slice(0, 2).join('\n')}\n\n${lines.join('\n')}\n`,
      'checkpoint/body',
    ],
    ['a size with a leading zero', note.replace(`\n${size}\n`, `\n0${size}\n`), 'encoding/integer'],
    ['a size with a sign', note.replace(`\n${size}\n`, `\n+${size}\n`), 'encoding/integer'],
    ['a size above 2^32', note.replace(`\n${size}\n`, '\n4294967297\n'), 'checkpoint/body'],
    [
      'a root of 33 bytes',
      note.replace(toBase64(chain.root()), toBase64(Uint8Array.of(...chain.root(), 0))),
      'encoding/length',
    ],
    ['a root in base64 with spare bits', note.replace('=\n\n', '_\n\n'), 'encoding/base64'],
    ['no signatures', text, 'note/no-signatures'],
    ['no empty line', text + lines.join('\n'), 'note/no-signatures'],
    ['a hyphen for the dash', noteOf(lines[0]!.replace('—', '-')), 'note/signature-line'],
    [
      'a plus in a name',
      noteOf(`— a+b ${toBase64(new Uint8Array(76))}`, ...lines),
      'note/signature-line',
    ],
    ['carriage returns', note.replaceAll('\n', '\r\n'), 'note/control-character'],
    ['more lines than are read', noteOf(...new Array<string>(1_025).fill(stranger)), 'note/size'],
  ];
  const known = { origin, set: toHex(validatorSetCodec.encode(set)) };
  const compact = chain.checkpoint();
  const [one, ...rest] = compact.cosignatures;
  const bytes = (cosignatures: typeof compact.cosignatures) =>
    toHex(cosignedCheckpointCodec.encode({ ...compact, cosignatures }));
  const cases: VectorCase[] = [
    ...given.map(
      ([name, text, refused]): VectorCase => ({
        name,
        note: text,
        ...known,
        ...(refused !== undefined && { refused }),
      }),
    ),
    { name: 'compact form', checkpoint: bytes(compact.cosignatures), ...known },
    {
      name: 'compact form with a bad signature',
      checkpoint: bytes([{ ...one!, time: one!.time + 1n }, ...rest]),
      ...known,
      refused: 'checkpoint/bad-cosignature',
    },
    {
      name: 'compact form with an index outside the set',
      checkpoint: bytes([one!, { ...rest[0]!, validator: 4 }]),
      ...known,
      refused: 'checkpoint/unknown-cosigner',
    },
    {
      name: 'compact form of too little stake',
      checkpoint: bytes(rest),
      ...known,
      refused: 'checkpoint/no-quorum',
    },
  ];
  return vectorFile(
    'docs/protocol.md §7',
    'Certify the `note` (text) or `checkpoint` (compact bytes) as one of the log `origin` by the validator `set`. It is certified, or refused for the given reason.',
    cases,
  );
}
