/**
 * What a validator has signed last, kept in a small file outside the database folder: the second
 * of two guards against signing twice.
 *
 * The order is always journal, then this file, then the network. So the file is never ahead of the
 * journal unless the journal was lost or put back from a copy, and that is what it is for
 * (docs/consensus.md, "Recovery").
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Bytes32, bytes32FromHex, toHex, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { u64FromText } from 'fanal/primitives/units.ts';
import { StoreError, storeError } from './errors.ts';
import { STORE_LIMITS } from './limits.ts';

/** The last vertex that a vertex key signed. Round 0 with a zero digest: none in this epoch. */
export interface VertexGuard {
  readonly epoch: number;
  readonly round: number;
  readonly digest: Bytes32;
}

/** The last checkpoint that a checkpoint key cosigned. Size 0 with a zero root: none. */
export interface CheckpointGuard {
  readonly epoch: number;
  readonly size: bigint;
  readonly root: Bytes32;
}

/** Whose sign state this is: a file of another chain or of other keys guards nothing. */
export interface SignStateOwner {
  readonly genesisId: Bytes32;
  readonly vertexKey: Bytes32;
  readonly checkpointKey: Bytes32;
}

export interface SignState {
  readonly vertex: VertexGuard;
  readonly checkpoint: CheckpointGuard;
}

/** Where new keys begin. */
export const NOTHING_SIGNED: SignState = {
  vertex: { epoch: 0, round: 0, digest: ZERO_32 },
  checkpoint: { epoch: 0, size: 0n, root: ZERO_32 },
};

const SCHEMA = 'fanal.sign-state/1';

/**
 * Reads the file. Null when there is none.
 *
 * @throws {StoreError} `store/sign-state` when it is damaged or belongs to other keys
 */
export function readSignState(path: string, owner: SignStateOwner): SignState | null {
  let text: string;
  try {
    if (statSync(path).size > STORE_LIMITS.signStateBytes) throw refuse(path, 'it is too large');
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return null;
    throw cause instanceof StoreError ? cause : storeError(`reading ${path}`, cause);
  }
  return parse(path, text, owner);
}

/**
 * Puts the file in place of the one before. When this returns, it is on disk under its name.
 *
 * @throws {StoreError}
 */
export function writeSignState(path: string, owner: SignStateOwner, state: SignState): void {
  const temporary = `${path}.new`;
  try {
    // A crash before the rename leaves the old file whole; after it, the new one.
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(file, print(owner, state));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    // Until the folder is on disk, a power cut may bring the old file back.
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    throw storeError(`writing ${path}`, cause);
  }
}

function print(owner: SignStateOwner, { vertex, checkpoint }: SignState): string {
  const body = {
    schema: SCHEMA,
    genesisId: toHex(owner.genesisId),
    vertexKey: toHex(owner.vertexKey),
    checkpointKey: toHex(owner.checkpointKey),
    vertex: { epoch: vertex.epoch, round: vertex.round, digest: toHex(vertex.digest) },
    checkpoint: {
      epoch: checkpoint.epoch,
      size: checkpoint.size.toString(),
      root: toHex(checkpoint.root),
    },
  };
  return `${JSON.stringify({ ...body, sum: sumOf(body) }, null, 2)}\n`;
}

function parse(path: string, text: string, owner: SignStateOwner): SignState {
  let state: SignState;
  let owned: boolean;
  try {
    const { sum, ...body } = JSON.parse(text);
    if (body.schema !== SCHEMA || sum !== sumOf(body)) throw new Error('its sum does not fit');
    owned =
      body.genesisId === toHex(owner.genesisId) &&
      body.vertexKey === toHex(owner.vertexKey) &&
      body.checkpointKey === toHex(owner.checkpointKey);
    state = {
      vertex: { ...body.vertex, digest: bytes32FromHex(body.vertex.digest) },
      checkpoint: {
        epoch: body.checkpoint.epoch,
        size: u64FromText(body.checkpoint.size),
        root: bytes32FromHex(body.checkpoint.root),
      },
    };
  } catch (cause) {
    throw refuse(path, 'it is damaged', cause);
  }
  if (!owned) throw refuse(path, 'it belongs to another chain or to other keys');
  return state;
}

function refuse(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError('store/sign-state', `${path} cannot be used: ${why}`, {
    hint: 'It guards against signing twice: find out what happened to it before moving it away.',
    cause,
  });
}

function sumOf(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}
