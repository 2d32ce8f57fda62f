/**
 * Vectors of what people read and type: addresses, amounts, words, and the genesis file.
 */

import { bech32m } from '@scure/base';
import { genesisToText } from 'fanal/chain/genesis-file.ts';
import { MAX_SUPPLY } from 'fanal/chain/limits.ts';
import {
  type AddressPrefix,
  addressFromKey,
  addressFromKeys,
  encodeAddress,
} from 'fanal/crypto/address.ts';
import { parseMnemonic, seedFromMnemonic, walletKey, walletPath } from 'fanal/crypto/keys.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { MAX_U64 } from 'fanal/primitives/units.ts';
import { formatCoins, parseCoins } from 'fanal/wallet/amounts.ts';
import type { TestChain } from '../chain.ts';
import { account } from '../people.ts';
import { type Json, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

export function addressVectors(): VectorFile {
  const keys = ['one', 'two', 'three'].map((name) => account(name).publicKey);
  const address = addressFromKey(keys[0] as Uint8Array);
  const text = encodeAddress(address, 'fan');
  const other = text.endsWith('q') ? 'p' : 'q';
  const refuse = (name: string, refused: string, input: string, prefix: Json = null) => ({
    name,
    kind: 'text',
    text: input,
    prefix,
    refused,
  });
  const threshold = (name: string, m: number, count: number) => ({
    name,
    kind: 'threshold',
    threshold: m,
    publicKeys: Array.from({ length: count }, (_, i) => toHex(account(`key ${i}`).publicKey)),
    refused: 'address/threshold',
  });
  const bytes = (name: string, hex: string, refused: string) => ({
    name,
    kind: 'bytes',
    hex,
    refused,
  });
  const cases: VectorCase[] = [
    ...(['fan', 'tfan', 'dfan'] as const).map((prefix) => ({
      name: `one key, ${prefix}`,
      kind: 'text',
      text: encodeAddress(address, prefix),
      prefix,
      address: toHex(address),
    })),
    {
      name: 'one key, all in upper case',
      kind: 'text',
      text: text.toUpperCase(),
      prefix: 'fan',
      address: toHex(address),
    },
    {
      name: 'two of three keys',
      kind: 'text',
      text: encodeAddress(addressFromKeys(2, keys), 'tfan'),
      prefix: 'tfan',
      address: toHex(addressFromKeys(2, keys)),
    },
    refuse('another network', 'address/prefix', text, 'tfan'),
    refuse('another prefix', 'address/text', text.replace('fan1', 'fun1')),
    refuse('upper and lower case', 'address/text', `F${text.slice(1)}`),
    refuse('a character too few', 'address/text', text.slice(0, -1)),
    refuse('a character too many', 'address/text', `${text}q`),
    refuse('a wrong character', 'address/text', text.slice(0, -1) + other),
    refuse('a character that is none', 'address/text', `${text.slice(0, -1)}b`),
    refuse('nothing', 'address/text', ''),
    refuse('a space before it', 'address/text', ` ${text}`),
    refuse('version 2', 'address/version', withVersion(address, 2)),
    bytes('too few bytes', toHex(address.slice(1)), 'address/length'),
    bytes('too many bytes', `${toHex(address)}00`, 'address/length'),
    bytes('bytes of version 255', `ff${toHex(address).slice(2)}`, 'address/version'),
    threshold('none of two', 0, 2),
    threshold('three of two', 3, 2),
    threshold('two of seventeen', 2, 17),
    { ...threshold('a key twice', 1, 1), publicKeys: [keys[0], keys[0]].map((key) => toHex(key!)) },
  ];
  return vectorFile(
    'docs/protocol.md §2.2',
    'Read a text as an address, of the given prefix where there is one; take bytes as an address; make the address of m of n keys.',
    cases,
  );
}

export function amountVectors(): VectorFile {
  const valid = ['0', '1', '12.5', '0.00000001', '21000000', formatCoins(MAX_U64)];
  const refused: Readonly<Record<string, string>> = {
    'no digits': '',
    'a sign': '+1',
    'less than nothing': '-1',
    'nine decimals': '0.000000001',
    'a point without decimals': '1.',
    'no digit before the point': '.5',
    'a zero in front': '01',
    'a comma': '1,5',
    'an exponent': '1e3',
    hexadecimal: '0x10',
    'a space': '1 ',
    'more than can be': `${MAX_U64}`,
    'one unit more than can be': formatCoins(MAX_U64 + 1n),
  };
  return vectorFile('docs/protocol.md §1.4', 'Read an amount in coins; it is so many units.', [
    ...valid.map((text) => ({ name: text, text, units: String(parseCoins(text)) })),
    ...Object.entries(refused).map(([name, text]) => ({ name, text, refused: 'amount/text' })),
  ]);
}

/** All words of a phrase are words of the list; whether they are one phrase is the checksum's. */
export function mnemonicVectors(): VectorFile {
  const phrase = `${'abandon '.repeat(23)}art`;
  const seed = seedFromMnemonic(phrase);
  const derive = (words: string, prefix: AddressPrefix, index: number) => {
    const { publicKey } = walletKey(seed, prefix, 0, index);
    return {
      words,
      prefix,
      index,
      path: walletPath(prefix, 0, index),
      publicKey: toHex(publicKey),
      address: encodeAddress(addressFromKey(publicKey), prefix),
    };
  };
  const typed = `  ${phrase.toUpperCase()}\n`;
  if (parseMnemonic(typed) !== phrase) throw new Error('words are read as they are');
  const refuse = (name: string, words: string) => ({
    name,
    words,
    prefix: 'fan',
    index: 0,
    refused: 'keys/mnemonic',
  });
  return vectorFile(
    'docs/protocol.md §2.1',
    'Derive a wallet key from the words, without a passphrase: BIP-39, SLIP-0010, every step hardened.',
    [
      { name: 'key 0 of the main network', ...derive(phrase, 'fan', 0) },
      { name: 'key 1 of a test network, as people type it', ...derive(typed, 'tfan', 1) },
      refuse('a word too few', phrase.replace('abandon ', '')),
      refuse('a word that is none', phrase.replace('art', 'arts')),
      refuse('another checksum', phrase.replace('art', 'abandon')),
      refuse('no words', ''),
    ],
  );
}

/** A genesis file, and what it must not say. */
export function genesisVectors({ genesis }: TestChain): VectorFile {
  const text = genesisToText(genesis);
  const changed = (name: string, refused: string, change: (file: GenesisJson) => void) => {
    const file = JSON.parse(text) as GenesisJson;
    change(file);
    return { name, file: JSON.stringify(file), refused };
  };
  return vectorFile(
    'docs/protocol.md §6.5',
    'Read a genesis file and check it. Whether registrations are signed is another step.',
    [
      { name: 'a genesis file', file: text },
      { name: 'no JSON', file: text.slice(1), refused: 'genesis/file' },
      changed('another schema', 'genesis/file', (file) => (file.schema = 'fanal.genesis/0')),
      changed('a key too many', 'genesis/file', (file) => (file.more = 1)),
      changed('a key too few', 'genesis/file', (file) => delete file.time),
      changed('another kind of value', 'genesis/file', (file) => (file.params = [] as never)),
      changed('a name that is none', 'genesis/name', (file) => (file.network = 'No Name')),
      changed('a parameter out of bounds', 'genesis/parameters', (file) => {
        file.params.slashPermille = 1_001;
      }),
      changed('more validators than there may be', 'genesis/validators', (file) => {
        file.params.maxValidators = file.validators.length - 1;
      }),
      changed('validators out of order', 'genesis/order', (file) => file.validators.reverse()),
      changed('balances out of order', 'genesis/order', (file) => file.balances.reverse()),
      changed('an address twice', 'genesis/order', (file) => {
        file.balances.splice(0, 0, file.balances[0]!);
      }),
      changed('a stake below the least', 'genesis/stake', ({ validators }) => {
        validators[0]!.stake = '1';
      }),
      changed('a balance of dust', 'genesis/balance', ({ balances }) => {
        balances[0]!.amount = '1';
      }),
      changed('more coins than there may be', 'genesis/supply', ({ balances }) => {
        balances[0]!.amount = String(MAX_SUPPLY);
      }),
      changed('a key of two validators', 'validators/keys', ({ validators }) => {
        validators[1]!.vertexKey = validators[0]!.vertexKey;
      }),
    ],
  );
}

interface GenesisJson {
  [key: string]: unknown;
  network: string;
  params: Record<string, unknown>;
  validators: { stake: string; vertexKey: string }[];
  balances: { amount: string }[];
}

function withVersion(address: Uint8Array, version: number): string {
  return bech32m.encodeFromBytes('fan', Uint8Array.of(version, ...address.subarray(1)));
}
