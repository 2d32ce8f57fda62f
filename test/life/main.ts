/**
 * `npm run life`: a network's life on one machine, by the commands that operators type.
 *
 * Four begin it; a fifth joins while payments flow; a host is lost and restored from its backup;
 * one retires; the protocol's version moves on. An epoch ends each time. At the end every ledger
 * passes `fanal fsck`, and all logs are the same. Exit code 0, or 8 when a step does not hold.
 */
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressFromKey, encodeAddress } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { readChain } from 'fanal-node/runtime/chain-files.ts';
import { freePorts } from 'fanal-node/testnet/local.ts';
import { Operator, until } from './operator.ts';
import { Traffic } from './traffic.ts';

const CHAIN = 'example.org/life';
const EPOCH_MILLIS = 25_000;
const FOUNDERS = ['anna', 'bert', 'cara', 'dora'] as const;
const SEED = new Uint8Array(32).fill(26);
/** The watch before signing after a restore, shorter than on a real network. */
const WATCH = { FANAL_CONSENSUS_WATCH_MILLIS: '10000' };
const READY_SECONDS = 300;
const EXIT_CHECKS = 8;

interface Board {
  readonly epoch: number;
  readonly items: readonly { name: string; active: boolean; rounds: string; readyFor: number }[];
}

const root = mkdtempSync(join(tmpdir(), 'fanal-life-'));
const operators = new Map<string, Operator>();
const started = performance.now();
let traffic: Traffic | null = null;

const operator = (name: string) => operators.get(name) as Operator;
const running = () => [...operators.values()].filter(({ isRunning }) => isRunning);
const board = () => (running()[0] as Operator).get<Board>('/v1/validators');
const member = async (name: string) => (await board()).items.find((one) => one.name === name);
const isActive = async (name: string) => (await member(name))?.active === true;
const version = async () => {
  const { params } = await (running()[0] as Operator).get<{ params: { protocolVersion: number } }>(
    '/v1/chain',
  );
  return params.protocolVersion;
};

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s  ${text}`);
}

/** Waits for the epoch after the present one. */
async function nextEpoch(): Promise<void> {
  const { epoch } = await board();
  await until('the epoch ends', 240, async () => (await board()).epoch > epoch);
  say(`epoch ${epoch} has ended; ${traffic?.accepted ?? 0} payments so far`);
}

async function ceremony(): Promise<void> {
  const ports = await freePorts(3 * (FOUNDERS.length + 1));
  writeFileSync(join(root, 'password'), 'correct horse\n', { mode: 0o600 });
  for (const [i, name] of [...FOUNDERS, 'emma'].entries()) {
    const own = ports.slice(3 * i, 3 * i + 3) as [number, number, number];
    operators.set(name, new Operator(root, name, own, WATCH));
  }
  const anna = operator('anna');
  await anna.must(
    ...['genesis', 'init', '--chain', CHAIN, '--param', `epochDurationMillis=${EPOCH_MILLIS}`],
    ...['trustingPeriodMillis=1800000', 'protocolVersion=1'],
  );
  for (const name of FOUNDERS) {
    const owner = await newValidator(operator(name));
    copyFileSync(join(operator(name).home, 'validator.json'), join(anna.folder, `${name}.json`));
    await anna.must('genesis', 'add-validator', `${name}.json`, '--stake', '10000');
    await anna.must('genesis', 'add-account', owner, '5000');
  }
  const payer = encodeAddress(addressFromKey(publicKeyFromSeed(SEED)), 'tfan');
  await anna.must('genesis', 'add-account', payer, '100000');
  await anna.must('genesis', 'seal');
  const ids = new Set<string>();
  for (const name of [...FOUNDERS, 'emma']) {
    const own = operator(name);
    if (own !== anna)
      copyFileSync(join(anna.folder, 'genesis.json'), join(own.folder, 'genesis.json'));
    ids.add(JSON.parse(await own.must('genesis', 'verify', '--json')).genesisId);
    if (name !== 'emma') await own.must('init', '--genesis', 'genesis.json');
  }
  if (ids.size !== 1) throw new Error('the operators read different genesis ids to each other');
  say(`the ceremony of four is over: genesis id ${[...ids][0]}`);
}

/** A wallet for the stake and a validator of it; the owner's address. */
async function newValidator(own: Operator): Promise<string> {
  const { words } = JSON.parse(await own.must('keys', 'new', '--open', '--json'));
  // The words are on paper, in another place than the host.
  writeFileSync(join(own.folder, 'words'), `${words}\n`, { mode: 0o600 });
  const shown = JSON.parse(await own.must('keys', 'show', '--prefix', 'tfan', '--json'));
  const owner = shown.addresses[0].address as string;
  await own.must(
    ...['init', '--name', own.name, '--chain', CHAIN, '--owner', owner],
    ...['--address', own.address, '--password-file', join(root, 'password')],
  );
  return owner;
}

async function begin(): Promise<void> {
  for (const name of FOUNDERS) operator(name).start();
  await Promise.all(FOUNDERS.map((name) => operator(name).untilReady(READY_SECONDS)));
  for (const name of FOUNDERS) await pin(operator(name));
  const chain = readChain(join(operator('anna').home, 'genesis.json'));
  const to = addressFromKey(publicKeyFromSeed(new Uint8Array(32).fill(27)));
  const from = { seed: SEED, address: addressFromKey(publicKeyFromSeed(SEED)) };
  traffic = new Traffic(chain, from, to, () => running().map(({ url }) => url));
  await traffic.start();
  say('four validators run, and payments flow');
}

async function pin(own: Operator): Promise<void> {
  await own.must('trust', 'pin', 'genesis.json', '--name', 'life', '--url', own.url);
}

async function join5(): Promise<void> {
  const [anna, emma] = [operator('anna'), operator('emma')];
  const owner = await newValidator(emma);
  await emma.must('init', '--genesis', 'genesis.json');
  await emma.must('trust', 'pin', 'genesis.json', '--name', 'life', '--url', anna.url);
  await anna.must('send', owner, '3000', '--yes');
  await anna.must('snapshot', 'create');
  let last = '';
  const go = ['join', 'life', '--stake', '2000', '--json'];
  const steps = async () => {
    const { out, err } = await emma.run(...go);
    if (!out.startsWith('{')) throw new Error(`fanal join says: ${err}${out}`);
    const rows = JSON.parse(out).steps as { id: string; state: string; found: string }[];
    last = rows.map(({ id, state, found }) => `${id}: ${state}, ${found}`).join('\n');
    return new Map(rows.map((row) => [row.id, row]));
  };
  // The plug is pulled in the middle, again and again: each run goes on where the last one was.
  for (const millis of [700, 1_200, 1_700, 2_300, 3_000]) await emma.interrupt(millis, ...go);
  await until(
    'the snapshot is imported',
    120,
    async () => (await steps()).get('snapshot')?.state === 'done',
  );
  emma.start();
  await emma.interrupt(2_500, ...go);
  await until(
    'emma has bonded',
    240,
    async () => (await steps()).get('bond')?.state === 'done',
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${last}`);
  });
  say('emma has taken a snapshot, caught up, and bonded, with the plug pulled six times');
  await nextEpoch();
  await until('emma is in the set', 120, () => isActive('emma'));
  await until('emma signs', 240, async () => BigInt((await member('emma'))?.rounds ?? 0) > 5n);
  const { code } = await emma.run(...go);
  if (code !== 0) throw new Error(`fanal join ends with ${code} when all is done`);
  say('emma signs');
}

async function lose(): Promise<void> {
  const bert = operator('bert');
  await bert.must('backup', 'create', '--to', 'backups', '--verify');
  const [backup] = readdirSync(join(bert.folder, 'backups'));
  await bert.end('SIGKILL');
  renameSync(bert.home, join(bert.folder, 'lost'));
  say('the host of bert is lost');
  await nextEpoch();
  await bert.must('restore', join('backups', backup as string));
  bert.start();
  await bert.untilReady(READY_SECONDS);
  await until('bert signs', 120, async () => BigInt((await member('bert'))?.rounds ?? 0) > 5n);
  // A backup is the validator's: the owner's wallet is made of its words again.
  await bert.must('keys', 'import', '--words-file', 'words', '--open');
  await pin(bert);
  say('bert is restored from the backup, and signs');
  await twin(join(bert.folder, 'backups', backup as string));
  await nextEpoch();
}

/** The same backup on a second host: it is noticed, and ends before it signs. */
async function twin(backup: string): Promise<void> {
  const copy = new Operator(root, 'bert-again', await threePorts(), WATCH);
  operators.set(copy.name, copy);
  await copy.must('restore', backup);
  copy.start();
  const code = await copy.ended();
  if (code !== 6) throw new Error(`a second bert ended with ${code}\n${copy.lastWords()}`);
  if (!copy.lastWords().includes('another node runs with this validator’s keys')) {
    throw new Error(`a second bert does not say why it ended:\n${copy.lastWords()}`);
  }
  say('a second bert was noticed, and ended with 6');
}

async function threePorts(): Promise<[number, number, number]> {
  return (await freePorts(3)) as [number, number, number];
}

async function retire(): Promise<void> {
  const dora = operator('dora');
  await dora.must('leave', 'life', '--yes');
  await nextEpoch();
  await until('dora is out of the set', 120, async () => !(await isActive('dora')));
  say('dora has retired; her node follows');
}

async function upgrade(): Promise<void> {
  const emma = operator('emma');
  const [port] = (await freePorts(1)) as [number];
  const early = await emma.run('move', 'life', '--address', `/ip4/127.0.0.1/tcp/${port}`);
  if (early.code === 0) throw new Error('a move was let in under version 1');
  say(`version ${await version()}: a move is refused (${early.err.split('\n')[0]?.trim()})`);
  const ready = ['anna', 'bert', 'cara', 'emma'];
  for (const name of ready.slice(0, 3)) await operator(name).must('ready', 'life');
  await nextEpoch();
  // anna, bert and cara are 30,000 of 32,000 coins.
  await until('version 2 is in force', 120, async () => (await version()) === 2);
  await emma.must('ready', 'life');
  say('three of four said that they are ready: version 2 is in force');
  await emma.end('SIGTERM');
  emma.moveTo(port);
  emma.start();
  await emma.untilReady(READY_SECONDS);
  await emma.must('move', 'life', '--address', emma.address);
  say(`version ${await version()}: emma has moved to ${emma.address}`);
  await nextEpoch();
}

/** Every ledger is whole, every payment is in it, and all logs are the same. */
async function examine(): Promise<void> {
  const all = running();
  const urls = all.map(({ url }) => url);
  await traffic?.settle(urls);
  for (const one of all) await one.untilReady(READY_SECONDS);
  const heights = await Promise.all(
    all.map(async (one) => BigInt((await one.status())?.certifiedHeight ?? 0)),
  );
  const height = heights.reduce((a, b) => (a < b ? a : b));
  const ids = new Set<string>();
  for (const one of all) {
    const { items } = await one.get<{ items: { id: string }[] }>(
      `/v1/headers?from=${height}&limit=1`,
    );
    ids.add(items[0]?.id as string);
    const missing =
      one.name === 'emma' || one.name === 'bert' ? [] : await traffic?.missingAt(one.url);
    if (missing?.length !== 0) throw new Error(`${one.name} lacks ${missing?.length} payments`);
  }
  if (ids.size !== 1) throw new Error(`at height ${height} the nodes have ${ids.size} blocks`);
  say(
    `block ${height} is the same at all ${all.length}; ${traffic?.accepted} payments, ${traffic?.refused} tried again`,
  );
  for (const one of all) {
    const code = await one.end('SIGTERM');
    if (code !== 0) throw new Error(`${one.name} ended with ${code}\n${one.lastWords()}`);
  }
  for (const one of operators.values()) {
    const found = await one.must('fsck', '--json');
    const { height: tip, root: log, payments, vertices } = JSON.parse(found);
    say(
      `fsck of ${one.name}: whole at height ${tip}, log ${log.slice(0, 16)}…, ${payments} payments, ${vertices} vertices`,
    );
  }
}

async function main(): Promise<number> {
  let failed = false;
  for (const stage of [ceremony, begin, join5, lose, retire, upgrade, examine]) {
    try {
      await stage();
    } catch (error) {
      failed = true;
      console.error(`✗ ${stage.name}: ${(error as Error).message}`);
      for (const one of operators.values())
        console.error(`\n${one.name}: ${one.isRunning}\n${one.lastWords()}`);
      break;
    }
  }
  traffic?.stop();
  for (const one of operators.values()) await one.end('SIGKILL');
  if (failed) console.error(`everything is kept in ${root}`);
  else rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  console.log(failed ? 'a step did not hold' : 'everything holds');
  return failed ? EXIT_CHECKS : 0;
}

process.exitCode = await main();
