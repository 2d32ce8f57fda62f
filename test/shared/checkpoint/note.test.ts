import { checkpointBody, parseCheckpointBody } from 'fanal/checkpoint/checkpoint.ts';
import { formatNote, noteFromBytes, noteKeyId, parseNote } from 'fanal/checkpoint/note.ts';
import { EMPTY_ROOT } from 'fanal/merkle/list.ts';
import { toBase64, toHex, utf8 } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const LINE = `— example.com/log ${toBase64(new Uint8Array(76))}\n`;

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

describe('a signed note', () => {
  it('comes back as it was written', () => {
    const name = fc.stringMatching(/^[!-*,-~]{1,20}$/);
    const text = fc.stringMatching(/^[ -~\n]{0,60}\n$/).filter((t) => t.trim() !== '');
    const signature = fc.record({
      name,
      keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      signature: fc.uint8Array({ minLength: 1, maxLength: 90 }),
    });
    const signatures = fc.array(signature, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(text, signatures, (body, lines) => {
        const note = { text: body, signatures: lines };
        expect(parseNote(formatNote(note))).toEqual(note);
      }),
      { numRuns: 200 },
    );
  });

  it('ends its text at the last empty line', () => {
    const note = parseNote(`one\n\n— not a signature, but text\n\n${LINE}`);
    expect(note.text).toBe('one\n\n— not a signature, but text\n');
    expect(note.signatures).toHaveLength(1);
  });

  it.each([
    ['no empty line', `text\n${LINE}`, 'note/no-signatures'],
    ['no signatures', 'text\n\n', 'note/no-signatures'],
    ['no line break at the end', `text\n\n${LINE.slice(0, -1)}`, 'note/no-signatures'],
    ['a hyphen for the dash', `text\n\n-${LINE.slice(1)}`, 'note/signature-line'],
    ['two spaces', `text\n\n${LINE.replace('— ', '—  ')}`, 'note/signature-line'],
    ['a tab', `text\n\n${LINE.replace('— ', '—\t')}`, 'note/control-character'],
    ['a carriage return', `text\r\n\n${LINE}`, 'note/control-character'],
    ['a plus in the name', `text\n\n${LINE.replace('/log', '+log')}`, 'note/signature-line'],
    [
      'a wide space in the name',
      `text\n\n${LINE.replace('/log', '\u3000')}`,
      'note/signature-line',
    ],
    ['base64 without padding', `text\n\n— a ${'A'.repeat(10)}\n`, 'encoding/base64'],
    ['base64 with spare bits set', `text\n\n— a AAAAAAB=\n`, 'encoding/base64'],
    ['a key id and nothing behind it', `text\n\n— a AAAAAA==\n`, 'note/signature-line'],
    ['words behind the signature', `text\n\n${LINE.slice(0, -1)} x\n`, 'note/signature-line'],
    ['more lines than anyone needs', `text\n\n${LINE.repeat(1_025)}`, 'note/size'],
    ['more text than anyone needs', `${'x'.repeat(600_000)}\n\n${LINE}`, 'note/size'],
  ])('with %s is refused', (_, note, code) => {
    expect(codeOf(() => parseNote(note))).toBe(code);
  });

  it('has key ids as the C2SP text has them', () => {
    const key = new Uint8Array(32).fill(7);
    expect(toHex(noteKeyId('example.com/w', 4, key))).toHaveLength(8);
    expect(toHex(noteKeyId('example.com/w', 4, key))).not.toBe(
      toHex(noteKeyId('example.com/w', 1, key)),
    );
  });
});

describe('bytes of a note', () => {
  it('are read as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        expect(noteFromBytes(utf8(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong slash in three bytes', [0xe0, 0x80, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['past the end of Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a lone continuation', [0x80]],
    ['a cut character', [0xe2, 0x80]],
  ])('with %s are refused', (_, bytes) => {
    expect(codeOf(() => noteFromBytes(Uint8Array.from(bytes)))).toBe('note/utf-8');
  });
});

describe("a checkpoint's body", () => {
  const body = checkpointBody({ origin: 'example.com/log', size: 42n, root: EMPTY_ROOT });

  it('is three lines', () => {
    expect(body).toBe('example.com/log\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
    expect(parseCheckpointBody(body).size).toBe(42n);
  });

  it.each([
    ['an extension line', `${body}more\n`, 'checkpoint/extension'],
    ['an empty extension line', `${body}\n`, 'checkpoint/extension'],
    ['a size with a leading zero', body.replace('42', '042'), 'encoding/integer'],
    ['a negative size', body.replace('42', '-42'), 'encoding/integer'],
    ['a size past 2^32', body.replace('42', '4294967297'), 'checkpoint/body'],
    ['a size past 2^63', body.replace('42', '9223372036854775808'), 'encoding/integer'],
    ['a short root', body.replace('47DE', ''), 'encoding/length'],
    ['no origin', body.slice(body.indexOf('\n')), 'checkpoint/body'],
    ['no last line break', body.slice(0, -1), 'checkpoint/body'],
    ['one line', 'example.com/log\n', 'checkpoint/body'],
  ])('with %s is refused', (_, text, code) => {
    expect(codeOf(() => parseCheckpointBody(text))).toBe(code);
  });
});
