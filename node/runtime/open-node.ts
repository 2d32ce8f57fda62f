/**
 * Opens everything a node is made of, in the order in which one needs the other, and closes it
 * again in the reverse order. Nothing is decided here.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { paramsCodec } from 'fanal/chain/params.ts';
import type { Registration } from 'fanal/chain/registration.ts';
import type { TransactionRules } from 'fanal/chain/transaction-check.ts';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { type Bytes, equalBytes, fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { ConfigError, type LoadedConfig } from '../config.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import { AddressBook } from '../network/book.ts';
import { type NetworkIdentity, networkIdentity } from '../network/identity.ts';
import { lockFolder } from '../store/lock.ts';
import { CertifiedEvents } from './certified-feed.ts';
import { type ChainIdentity, readChain } from './chain-files.ts';
import { type Home, homePaths, makeFolder } from './home.ts';
import { JournalClient } from './journal-client.ts';
import { startLedger } from './ledger-client.ts';
import { type Log, openLog } from './log.ts';
import { verifyNatively } from './native-verify.ts';
import { readRegistration } from './registration-file.ts';
import { readSecret, writeNewSecret } from './secret-file.ts';
import { keystorePassword, publicKeys, readSeeds, type ValidatorSeeds } from './validator-keys.ts';
import { defaultVerifyThreads, VerifyPool } from './verify-pool.ts';

/** The keys of a validator that may sign here. */
export interface SigningKeys {
  readonly registration: Registration;
  readonly seeds: ValidatorSeeds;
}

export interface NodeParts {
  readonly loaded: LoadedConfig;
  readonly home: Home;
  readonly chain: ChainIdentity;
  readonly log: Log;
  /** Null for a node that signs nothing. */
  readonly signing: SigningKeys | null;
  readonly identity: NetworkIdentity;
  /** 16 random bytes of this start. */
  readonly instance: Bytes;
  readonly pool: VerifyPool;
  readonly ledger: AsyncLedger;
  readonly journal: JournalClient | null;
  readonly rules: TransactionRules;
  readonly feed: CertifiedEvents;
  readonly book: AddressBook;
  /** Ends threads and gives the folder back. */
  close(): Promise<void>;
}

/**
 * @param onFailure a thread died or a disk failed: the node must stop
 * @throws {FanalError} with a code that says what is wrong with the folder, the keys or the disk
 */
export async function openNode(
  loaded: LoadedConfig,
  onFailure: (error: Error) => void,
): Promise<NodeParts> {
  const { config } = loaded;
  const home = homePaths(loaded.home);
  const chain = readChain(home.genesis);
  makeFolder(home.data);
  const lock = lockFolder(home.root, `pid ${process.pid} since ${new Date().toISOString()}`);
  const closers: (() => Promise<void> | void)[] = [() => lock.release()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    await selfTestVerifier(verifyNatively);
    const log = await openLog(config.node.log_level, config.node.name);
    // The ledger opens in its thread while the keystore's password is being stretched here.
    const ledger = startLedger(
      {
        path: home.ledger,
        genesis: chain.genesis,
        mode: config.node.mode,
      },
      onFailure,
    );
    closers.push(() => ledger.close());
    const signing = config.node.observe ? null : await openSigningKeys(loaded, home, chain);
    let journal: JournalClient | null = null;
    if (signing !== null) {
      const { vertexKey, checkpointKey } = signing.registration;
      const owner = { genesisId: chain.genesisId, vertexKey, checkpointKey };
      const data = {
        genesisId: chain.genesisId,
        path: home.journal,
        signing: { path: home.signState, owner },
      };
      const opened = new JournalClient(data, onFailure);
      journal = opened;
      closers.push(() => opened.close());
    }
    // Both threads open their files at the same time.
    const [info] = await Promise.all([ledger.info(), journal?.call('newestEpoch', [])]);
    const rules = { genesisId: chain.genesisId, params: paramsCodec.decode(info.params) };
    const threads = config.node.verify_workers || defaultVerifyThreads();
    const pool = new VerifyPool(threads, rules, onFailure);
    closers.push(() => pool.close());
    const tip = await ledger.certifiedTip();
    const instance = new Uint8Array(randomBytes(16));
    return {
      ...{ loaded, home, chain, log, signing, pool, ledger, journal, rules, instance, close },
      identity: await networkIdentity(signing?.seeds.network ?? followerSeed(home)),
      feed: new CertifiedEvents(tip.height),
      book: new AddressBook(home.peers),
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

async function openSigningKeys(
  loaded: LoadedConfig,
  home: Home,
  chain: ChainIdentity,
): Promise<SigningKeys | null> {
  if (!existsSync(home.keystore)) return null;
  const registration = readRegistration(home, chain);
  if (registration === null) {
    throw new ConfigError(`${home.registration} is missing beside the keystore`, {
      hint: 'Restore it, or start with --observe.',
    });
  }
  const seeds = await readSeeds(home.keystore, keystorePassword(loaded.config));
  const keys = publicKeys(seeds);
  const isSame =
    equalBytes(keys.vertexKey, registration.vertexKey) &&
    equalBytes(keys.checkpointKey, registration.checkpointKey) &&
    equalBytes(keys.networkKey, registration.networkKey);
  if (!isSame) {
    throw new ConfigError(`the keys in ${home.keystore} are not those of ${registration.name}`, {
      hint: 'Keystore and registration belong together: restore both from one backup.',
    });
  }
  return { registration, seeds };
}

/** The network key of a node that is no validator: made at the first start, kept afterwards. */
function followerSeed(home: Home): Bytes {
  if (!existsSync(home.networkKey)) {
    writeNewSecret(home.networkKey, `${toHex(new Uint8Array(randomBytes(32)))}\n`);
  }
  return fromHex(readSecret(home.networkKey).trim(), 32);
}
