/**
 * Backups of a node: keys, settings and sign state, and a snapshot of the data, in one folder of
 * zstd files with a SHA-256 for each.
 *
 * Keystores go in as they are, encrypted; their password does not. Only restoring a backup and
 * comparing state roots makes it a verified one.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Bytes, equalBytes, fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { type ChainIdentity, readChain } from '../runtime/chain-files.ts';
import { type Home, homePaths, makeFolder } from '../runtime/home.ts';
import { readRegistration } from '../runtime/registration-file.ts';
import { lockFolder } from '../store/lock.ts';
import { largerSignState } from '../store/sign-guard.ts';
import { readSignState, type SignState, writeSignState } from '../store/sign-state.ts';
import { MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES, manifestCodec } from '../store/snapshot-format.ts';
import {
  bytesOf,
  createSnapshot,
  findSnapshot,
  type RestoredSnapshot,
  restoreSnapshot,
  type SnapshotBytes,
  verifySnapshot,
} from './snapshots.ts';

const SCHEMA = 'fanal.backup/1';
const NOTE = 'backup.json';
const MAX_NOTE_BYTES = 16 * 1024 * 1024;
const MAX_KEY_FILE_BYTES = 64 * 1024 * 1024;

/** What a backup holds besides the data, by its name there. Restoring writes these and no others. */
function keyFiles(home: Home): Readonly<Record<string, string>> {
  return {
    'fanal.toml': home.config,
    'genesis.json': home.genesis,
    'validator.json': home.registration,
    'validator-keys.json': home.keystore,
    'validator-keys.used': home.signingMark,
    'network-key': home.networkKey,
    'sign-state.json': home.signState,
  };
}

interface BackupFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What `backup.json` says. */
export interface BackupNote {
  readonly schema: typeof SCHEMA;
  readonly created: string;
  readonly origin: string;
  readonly genesisId: string;
  readonly height: string;
  readonly stateRoot: string;
  readonly files: readonly BackupFile[];
}

/**
 * Makes a backup in a new folder under `target`. The node may run meanwhile.
 *
 * @returns the folder
 */
export async function createBackup(
  home: Home,
  target: string,
): Promise<{ readonly folder: string; readonly note: BackupNote }> {
  const chain = readChain(home.genesis);
  const { manifest, folder: snapshot } = await createSnapshot(home);
  const created = new Date().toISOString();
  const folder = join(target, `fanal-${created.replaceAll(/[-:]|\.\d+/g, '')}`);
  const temporary = `${folder}.new`;
  makeFolder(target);
  mkdirSync(temporary, { mode: 0o700 });
  const files: BackupFile[] = [];
  const put = (name: string, bytes: Bytes) => {
    const path = join(temporary, `${name}.zst`);
    writeFileSync(path, zstdCompressSync(bytes), { mode: 0o600, flush: true });
    files.push({ name, sizeBytes: bytes.length, sha256: sha256(bytes) });
  };
  try {
    put('manifest', readFileSync(join(snapshot, 'manifest')));
    const source = bytesOf(findSnapshot(home.snapshots, manifest.header.height));
    for (let index = 0; index < manifest.chunks.length; index++) {
      put(chunkName(index), required(source.chunk(index), chunkName(index)));
    }
    // The sign state last: as new as it can be in this backup.
    for (const [name, path] of Object.entries(keyFiles(home))) {
      if (existsSync(path)) put(name, readFileSync(path));
    }
    const { header } = manifest;
    const note: BackupNote = {
      schema: SCHEMA,
      created,
      origin: chain.origin,
      genesisId: toHex(chain.genesisId),
      height: String(header.height),
      stateRoot: toHex(header.stateRoot),
      files,
    };
    const text = `${JSON.stringify(note, null, 2)}\n`;
    writeFileSync(join(temporary, NOTE), text, { mode: 0o600, flush: true });
    // A crash before this line leaves a folder whose name says that it is not done.
    renameSync(temporary, folder);
    return { folder, note };
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Verifies a backup by restoring it into a temporary folder beside it.
 *
 * @throws {FanalError} `backup/…` or `snapshot/…` naming the file that is wrong
 */
export async function verifyBackup(folder: string): Promise<RestoredSnapshot> {
  const note = readNote(folder);
  const temporary = join(folder, '.verify');
  rmSync(temporary, { recursive: true, force: true });
  makeFolder(temporary);
  try {
    const home = homePaths(temporary);
    for (const [name, path] of Object.entries(keyFiles(home))) {
      const bytes = readFile(folder, note, name, MAX_KEY_FILE_BYTES);
      if (bytes !== null) writeFileSync(path, bytes, { mode: 0o600 });
    }
    const chain = chainOfBackup(home, note);
    readBackedUpSignState(home, chain);
    const restored = await verifySnapshot(chain.genesis, snapshotOf(folder, note), temporary);
    requireSameRoot(note, restored);
    return restored;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Marks in the node's folder that a backup was verified just now: the metrics read when. */
export function markVerified(home: Home): void {
  makeFolder(home.data);
  writeFileSync(home.backupMark, `${new Date().toISOString()}\n`, { mode: 0o600 });
}

export interface Restored {
  readonly snapshot: RestoredSnapshot | null;
  /** Names of files that were put in place; the others were there already. */
  readonly files: readonly string[];
  /** What the keys have signed at least, after the restore. */
  readonly signState: SignState | null;
}

/**
 * Puts a backup into the folder of a stopped node. Files that are there stay, and must be the
 * same where they are keys; the sign state becomes the larger of the two and never moves back.
 *
 * The journal is not in a backup: a validator then signs nothing before a quorum has told what it
 * signed last.
 *
 * @throws {AlreadyRunningError}
 * @throws {FanalError} `backup/other-keys`, `backup/other-chain`, `backup/…`, `snapshot/…`
 */
export async function restoreBackup(folder: string, home: Home): Promise<Restored> {
  const note = readNote(folder);
  await verifyBackup(folder);
  makeFolder(home.root);
  const files: string[] = [];
  const lock = lockFolder(home.root, `pid ${process.pid}, restoring`);
  let signState: SignState | null;
  try {
    const found = Object.entries(keyFiles(home)).map(([name, path]) => {
      const bytes = readFile(folder, note, name, MAX_KEY_FILE_BYTES);
      return { name, path, bytes };
    });
    for (const { name, path, bytes } of found) requireSame(name, path, bytes);
    for (const { name, path, bytes } of found) {
      if (bytes === null || name === 'sign-state.json' || existsSync(path)) continue;
      writeFileSync(path, bytes, { mode: 0o600, flag: 'wx', flush: true });
      files.push(name);
    }
    const chain = chainOfBackup(home, note);
    signState = restoreSignState(folder, note, home, chain);
    makeFolder(home.data);
  } finally {
    lock.release();
  }
  const snapshot = existsSync(home.ledger)
    ? null
    : await restoreSnapshot(home, snapshotOf(folder, note));
  if (snapshot !== null) requireSameRoot(note, snapshot);
  return { snapshot, files, signState };
}

/** Every finished backup under a folder, newest first. */
export function listBackups(target: string): string[] {
  if (!existsSync(target)) return [];
  return readdirSync(target)
    .filter((name) => /^fanal-\d{8}T\d{6}Z$/.test(name))
    .sort()
    .reverse()
    .map((name) => join(target, name));
}

function restoreSignState(
  folder: string,
  note: BackupNote,
  home: Home,
  chain: ChainIdentity,
): SignState | null {
  const owner = ownerOf(home, chain);
  const bytes = readFile(folder, note, 'sign-state.json', MAX_KEY_FILE_BYTES);
  if (owner === null) return null;
  const local = readSignState(home.signState, owner);
  if (bytes === null) return local;
  // Read like any other file: it carries a sum, and must be of these keys.
  const beside = `${home.signState}.restored`;
  writeFileSync(beside, bytes, { mode: 0o600 });
  try {
    const saved = readSignState(beside, owner) as SignState;
    const merged = local === null ? saved : largerSignState(local, saved);
    // A crash before this line leaves the local one; after it, the larger one.
    writeSignState(home.signState, owner, merged);
    return merged;
  } finally {
    rmSync(beside, { force: true });
  }
}

function readBackedUpSignState(home: Home, chain: ChainIdentity): void {
  const owner = ownerOf(home, chain);
  if (owner !== null) readSignState(home.signState, owner);
}

function ownerOf(home: Home, chain: ChainIdentity) {
  const registration = readRegistration(home, chain);
  if (registration === null) return null;
  const { vertexKey, checkpointKey } = registration;
  return { genesisId: chain.genesisId, vertexKey, checkpointKey };
}

function chainOfBackup(home: Home, note: BackupNote): ChainIdentity {
  const chain = readChain(home.genesis);
  if (toHex(chain.genesisId) !== note.genesisId) {
    throw new FanalError(
      'backup/other-chain',
      `expected the chain ${note.genesisId}, found ${toHex(chain.genesisId)}`,
      { hint: 'This folder belongs to another network. Restore into another one.' },
    );
  }
  return chain;
}

/** A key or registration that is there already must be the one of the backup. */
function requireSame(name: string, path: string, bytes: Bytes | null): void {
  if (bytes === null || !existsSync(path)) return;
  if (!['validator.json', 'validator-keys.json', 'network-key'].includes(name)) return;
  if (equalBytes(new Uint8Array(readFileSync(path)), bytes)) return;
  throw new FanalError('backup/other-keys', `${path} is not the ${name} of the backup`, {
    hint: 'Nothing is overwritten. Restore into an empty folder, or move the file away yourself.',
  });
}

function requireSameRoot(note: BackupNote, { stateRoot }: RestoredSnapshot): void {
  if (toHex(stateRoot) === note.stateRoot) return;
  throw new FanalError(
    'backup/state',
    `expected state root ${note.stateRoot}, restored ${toHex(stateRoot)}`,
  );
}

function snapshotOf(folder: string, note: BackupNote): SnapshotBytes {
  const manifest = required(readFile(folder, note, 'manifest', MAX_MANIFEST_BYTES), 'manifest');
  manifestCodec.decode(manifest);
  return {
    manifest,
    chunk: (index) => readFile(folder, note, chunkName(index), MAX_CHUNK_BYTES),
  };
}

function readNote(folder: string): BackupNote {
  const path = join(folder, NOTE);
  try {
    if (statSync(path).size > MAX_NOTE_BYTES) throw new Error('it is too large');
    const note = JSON.parse(readFileSync(path, 'utf8'));
    if (note.schema !== SCHEMA || !Array.isArray(note.files)) throw new Error('not one of ours');
    fromHex(note.genesisId, 32);
    fromHex(note.stateRoot, 32);
    return note;
  } catch (cause) {
    throw new FanalError('backup/note', `cannot use ${path}: ${(cause as Error).message}`, {
      hint: 'Name the folder of one backup, fanal-… .',
      cause,
    });
  }
}

/** A file of the backup, if it has one of that name. */
function readFile(folder: string, note: BackupNote, name: string, limit: number): Bytes | null {
  const entry = note.files.find((one) => one.name === name);
  if (entry === undefined) return null;
  const path = join(folder, `${name}.zst`);
  const damaged = (why: string, cause?: unknown) =>
    new FanalError('backup/damaged', `${path}: ${why}`, {
      hint: 'Use an older backup, and find out what happened to this one.',
      cause,
    });
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(zstdDecompressSync(readFileSync(path), { maxOutputLength: limit }));
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
  if (bytes.length !== entry.sizeBytes || sha256(bytes) !== entry.sha256) {
    throw damaged(`expected SHA-256 ${entry.sha256}, found ${sha256(bytes)}`);
  }
  return bytes;
}

function required(bytes: Bytes | null, name: string): Bytes {
  if (bytes === null) throw new FanalError('backup/incomplete', `${name} is missing`);
  return bytes;
}

function chunkName(index: number): string {
  return `${String(index).padStart(5, '0')}.chunk`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
