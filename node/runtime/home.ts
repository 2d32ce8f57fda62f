/**
 * What lies where in a node's folder.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Home {
  readonly root: string;
  readonly config: string;
  readonly genesis: string;
  /** What a validator shows to others: its registration. */
  readonly registration: string;
  /** The three keys of a validator, encrypted. */
  readonly keystore: string;
  /** The network key of a node that is no validator. */
  readonly networkKey: string;
  /** Databases. */
  readonly data: string;
  readonly journal: string;
  readonly ledger: string;
  readonly snapshots: string;
  /** Written when a snapshot was made: its height, and the milliseconds it took. */
  readonly snapshotMark: string;
  readonly backups: string;
  /** Written when a backup was verified: its time is what the metrics tell. */
  readonly backupMark: string;
  /** The second guard against signing twice: outside the database folder, on purpose. */
  readonly signState: string;
  /** Written once these keys may sign: from then on a missing sign state was lost. */
  readonly signingMark: string;
  readonly peers: string;
  /** Wallet keys of the command line. */
  readonly wallets: string;
  readonly trust: string;
}

export function homePaths(root: string): Home {
  const at = (name: string) => join(root, name);
  return {
    root,
    config: at('fanal.toml'),
    genesis: at('genesis.json'),
    registration: at('validator.json'),
    keystore: at('validator-keys.json'),
    networkKey: at('network-key'),
    data: at('data'),
    journal: at('data/journal.sqlite'),
    ledger: at('data/ledger.sqlite'),
    snapshots: at('data/snapshots'),
    snapshotMark: at('data/snapshot-made'),
    backups: at('backups'),
    backupMark: at('data/backup-verified'),
    signState: at('sign-state.json'),
    signingMark: at('validator-keys.used'),
    peers: at('peers.json'),
    wallets: at('wallets'),
    trust: at('trust.json'),
  };
}

/** Makes a folder that only its owner can enter. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
