import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { type TestGateway, testGateway } from 'fanal/testing/gateway.ts';
import { accountFromMnemonic, encodeAddress, UNITS_PER_COIN } from 'fanal/wallet';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { servePage } from '../../support/page-server.ts';
import { account } from '../../support/people.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const WORDS = `${'abandon '.repeat(23)}art`;
const OWN = accountFromMnemonic(WORDS, { prefix: 'dfan' }).address(0);
const BOB = encodeAddress(account('bob').address, 'dfan');
const UNKNOWN = 'ab'.repeat(32);

let folder: string;
let gateway: TestGateway;
let chain: TestChain;
let server: Awaited<ReturnType<typeof servePage>>;
let clock: NodeJS.Timeout;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-wallet-cli-'));
  const start = BigInt(Date.now()) - 60_000n;
  const balances = [{ address: OWN as NonNullable<typeof OWN>, amount: 100n * UNITS_PER_COIN }];
  chain = new TestChain({ time: start, balances });
  const block = () => {
    const time = BigInt(Date.now());
    chain.addBlock({ time, signedAt: time });
  };
  block();
  clock = setInterval(block, 400);
  gateway = testGateway(chain);
  server = await servePage(gateway);
  writeFileSync(join(folder, 'trust.txt'), formatTrust(chain.trust));
  writeFileSync(join(folder, 'words'), WORDS, { mode: 0o600 });
  writeFileSync(join(folder, 'document'), 'the truth');
  writeFileSync(join(folder, 'garbage'), 'this is no receipt');
  writeFileSync(join(folder, 'kept'), 'something of value');
  mkdirSync(join(folder, 'folder'));
  mkdirSync(join(folder, 'dirty/dev'), { recursive: true });
  mkdirSync(join(folder, 'torn/dev'), { recursive: true });
  writeFileSync(join(folder, 'torn/dev/network.json'), '{"schema":');
  const pinned = await fanal('trust', 'pin', 'trust.txt', '--name', 'test', '--url', server.url);
  expect(pinned, pinned.err).toMatchObject({ code: 0 });
  const made = await fanal('keys', 'import', '--words-file', 'words', '--open');
  expect(made, made.err).toMatchObject({ code: 0 });
}, 180_000);

afterEach(() => gateway.tamper(null));

afterAll(async () => {
  clearInterval(clock);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the real command; the chain goes on meanwhile. */
function fanal(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FANAL_HOME: join(folder, 'home'), NO_COLOR: '1' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes;
  });
  return new Promise((done) => child.once('close', (code) => done({ code, out, err })));
}

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('every command of the wallet', () => {
  test('shows what the wallet owns, proved', async () => {
    const balance = await fanal('balance', '--json');
    expect(JSON.parse(balance.out)).toMatchObject({
      schema: 'fanal.balance/1',
      trust: 'proved',
      total: (100n * UNITS_PER_COIN).toString(),
    });
    expect((await fanal('coins')).out).toContain('100\t0\t');
    expect((await fanal('history')).out).toContain('+100');
    expect((await fanal('balance', BOB)).out).toContain('balance\t0 coins');
  });

  test('pays, prints the receipt, and proves the payment again by its id', async () => {
    const sent = await fanal('send', BOB, '1.5', '--note', 'lunch', '--wait', 'certified');
    expect(sent, sent.err).toMatchObject({ code: 0 });
    expect(sent.out).toContain('status\tcertified (proved)');
    const receipt = sent.out.slice(sent.out.indexOf('c2sp.org/tlog-proof@'));
    writeFileSync(join(folder, 'printed'), receipt);
    expect((await fanal('verify', 'printed')).out).toContain('verdict\tproved');
    const id = /transaction\t([0-9a-f]{64})/.exec(sent.out)?.[1] as string;
    expect((await fanal('tx', id)).out).toContain(`1.5 coins to ${BOB}`);
    const proof = await fanal('proof', id, '--out', 'again.receipt');
    expect(proof, proof.err).toMatchObject({ code: 0 });
    const offline = ['verify', 'again.receipt', '--trust', 'trust.txt', '--home', 'nowhere'];
    expect((await fanal(...offline)).out).toContain('verdict\tproved');
  }, 180_000);

  test('notarizes a file, and tells at which step a tampered one fails', async () => {
    const done = await fanal('notarize', 'document');
    expect(done, done.err).toMatchObject({ code: 0 });
    expect((await fanal('verify', 'document')).out).toContain('verdict\tproved');

    writeFileSync(join(folder, 'document'), 'a lie');
    const changed = await fanal('verify', 'document');
    expect(changed.code).toBe(5);
    expect(changed.err).toContain('document hash: expected');
    writeFileSync(join(folder, 'document'), 'the truth');

    const receipt = read('document.receipt').split('\n');
    const last = receipt.findLastIndex((line) => line.startsWith('— '));
    const line = receipt[last] as string;
    const at = line.length - 20;
    receipt[last] = `${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`;
    writeFileSync(join(folder, 'forged'), receipt.join('\n'));
    const forged = await fanal('verify', 'document', '--receipt', 'forged');
    expect(forged.code).toBe(5);
    expect(forged.err).toMatch(
      /cosignature of val-\d+: expected a valid signature.*, found one that does not verify/,
    );
  }, 180_000);

  test('asks a server and believes none: an answer that was changed ends with 5', async () => {
    gateway.tamper((answer, { name }) => {
      if (name !== 'addressQuery') return answer;
      const text = new TextDecoder().decode(answer.body);
      const at = text.indexOf('"proofs":["') + 60;
      const body = text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
      return { ...answer, body: new TextEncoder().encode(body) };
    });
    const lied = await fanal('balance');
    expect(lied.code).toBe(5);
    expect(lied.err).toMatch(/expected .*, found /s);
  }, 120_000);
});

/** What is typed, how it ends, and what the message must say. */
const BAD: readonly (readonly [string, number, RegExp])[] = [
  ['keys new default --open', 3, /exists already/],
  ['keys new Über --open', 2, /cannot name a wallet/],
  ['keys new more', 2, /no terminal to ask on/],
  ['keys new more --password-file missing', 3, /cannot read missing/],
  ['keys import more --words-file missing --open', 3, /cannot read missing/],
  ['keys import more --open', 2, /--words-file/],
  ['keys show nobody', 7, /there is no wallet "nobody".*Known here: default/s],
  ['keys show --count 0', 2, /--count from 1 to 1000/],
  ['keys show --prefix btc', 2, /Allowed choices/],
  ['balance nonsense', 2, /not an address: "nonsense"/],
  ['balance --wallet nobody', 7, /there is no wallet/],
  ['balance --network nowhere', 7, /no network is pinned as "nowhere".*Known here: test/s],
  ['balance --url http://127.0.0.1:1', 4, /no answer/],
  ['balance --home empty', 2, /no network is known here.*trust pin/s],
  ['coins dfan1qqqq', 2, /address/],
  ['history --limit none', 2, /--limit/],
  ['history --limit 0', 2, /--limit/],
  [`send ${BOB} 0`, 2, /at least 0\.00001 coins, found 0/],
  [`send ${BOB} 1e3`, 2, /coins such as 12\.5.*found "1e3"/],
  [`send ${BOB} 1,5`, 2, /coins such as 12\.5/],
  [`send ${BOB} -- -1`, 2, /coins such as 12\.5/],
  [`send ${BOB} 1000`, 1, /1000\.\d+ coins are needed, [\d.]+ can be spent/],
  [`send ${BOB.slice(0, -1)}q 1`, 2, /address/],
  [`send ${BOB}`, 2, /missing required argument/],
  [`send ${BOB} 1 --note ${'n'.repeat(257)}`, 2, /at most 256 bytes/],
  [`send ${BOB} 1 --fee much`, 2, /expected units/],
  [`send ${BOB} 1 --wait forever`, 2, /Allowed choices/],
  [`send ${BOB} 1 --receipt kept`, 2, /kept is there already.*--receipt/s],
  [`send ${BOB} 1 --receipt no/such/folder`, 2, /cannot write/],
  [`send ${BOB} 1 --receipt r --wait submitted`, 2, /--wait certified/],
  ['tx 1234', 2, /64 hex digits/],
  [`tx ${UNKNOWN}`, 7, /no server knows of this transaction/],
  [`proof ${UNKNOWN}`, 2, /--out/],
  ['proof 12 --out p', 2, /64 hex digits/],
  [`proof ${UNKNOWN} --out kept`, 2, /kept is there already/],
  [`proof ${UNKNOWN} --out p --timeout 1`, 4, /gave up/],
  ['header ten', 2, /"ten" is no height/],
  ['header 99999999', 7, /is not certified yet/],
  ['block 99999999', 7, /is not certified yet/],
  ['verify missing', 7, /there is no file missing/],
  ['verify kept', 7, /there is no receipt kept\.receipt/],
  ['verify kept --receipt garbage', 5, /reading the receipt: /],
  ['verify printed --trust missing', 7, /there is no file missing/],
  ['verify printed --trust garbage', 3, /trust file/],
  ['notarize missing', 7, /there is no file missing/],
  ['notarize folder', 2, /cannot read folder/],
  ['notarize kept --receipt document', 2, /document is there already/],
  ['trust pin missing', 7, /there is no file missing/],
  ['trust pin garbage', 3, /trust file/],
  ['trust pin trust.txt --name ../out', 2, /cannot name a network/],
  [`trust pin ${UNKNOWN}`, 2, /needs a --url/],
  ['trust export kept', 2, /kept is there already/],
  ['faucet nonsense', 2, /not an address/],
  ['light --listen nowhere', 2, /--listen as host:port/],
  ['light --listen 127.0.0.1:99999', 2, /--listen as host:port/],
  ['dev --validators 0', 2, /--validators from 1 to 20/],
  ['dev --port 99999', 2, /--port from 1 to 65535/],
  ['dev --kill nobody', 2, /--kill from 1 to 100/],
  ['dev --kill 1', 7, /no network runs in.*fanal dev/s],
  ['dev --home dirty --port 28799', 3, /is not a local network.*--fresh/s],
  ['dev --home torn --port 28799', 3, /cannot be opened.*--fresh/s],
  ['balance --timeout soon', 2, /number above 0/],
  ['blance', 2, /Did you mean balance/],
];

describe('bad input', () => {
  test('a clear message, the right exit code, and nothing is lost', async () => {
    if (!existsSync(join(folder, 'printed'))) writeFileSync(join(folder, 'printed'), 'x');
    const before = readdirSync(folder).filter((name) => name !== 'empty');
    const wallet = read('home/wallets/default.json');
    const owned = JSON.parse((await fanal('balance', '--json')).out).total;
    const wrong: string[] = [];
    const rows = [...BAD];
    const runner = async () => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
        const [line, code, message] = row;
        const ended = await fanal(...line.split(' '));
        const text = `${ended.out}${ended.err}`;
        const isSilent = /\n\s+at .*:\d+:\d+/.test(text) || text.length > 2_000;
        if (ended.code !== code || !message.test(ended.err) || isSilent || ended.out !== '') {
          wrong.push(`fanal ${line}\n  expected ${code} ${message}\n  found ${ended.code} ${text}`);
        }
      }
    };
    await Promise.all([runner(), runner()]);
    expect(wrong.join('\n')).toBe('');
    expect(read('kept')).toBe('something of value');
    expect(read('home/wallets/default.json')).toBe(wallet);
    expect(readdirSync(folder).filter((name) => name !== 'empty')).toEqual(before);
    expect(JSON.parse((await fanal('balance', '--json')).out).total).toBe(owned);
  }, 600_000);
});
