/**
 * An update: what leads a light client from where it is to the chain's tip, in one answer
 * (docs/protocol.md §10.3).
 */
import { type Header, headerCodec } from '../chain/header.ts';
import {
  MAX_CONSISTENCY_HASHES,
  MAX_HANDOVERS,
  MAX_INCLUSION_HASHES,
  MAX_UPDATE_BYTES,
} from '../chain/limits.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import type { Hash } from '../primitives/hash.ts';
import { type Handover, handoverCodec } from './handover.ts';
import { readPath, writePath } from './hashes.ts';
import type { LogTip } from './header-proof.ts';

export interface Update {
  /** Where the update starts: the size asked for, and the root that the server has there. */
  readonly from: LogTip;
  /** One for each epoch that ended since, in order. */
  readonly handovers: readonly Handover[];
  /** The newest. */
  readonly checkpoint: CosignedCheckpoint;
  /** The last header below it. */
  readonly header: Header;
  readonly inclusion: readonly Hash[];
  /** From `from` to the checkpoint. */
  readonly consistency: readonly Hash[];
}

const MIN_HANDOVER_BYTES = 42 + 257 + 2;

export const updateCodec: Codec<Update> = codec(
  'update',
  MAX_UPDATE_BYTES,
  (writer, { from, handovers, checkpoint, header, inclusion, consistency }) => {
    writer.u64(from.size).bytes(from.root, 32).list(handovers, MAX_HANDOVERS, handoverCodec.write);
    cosignedCheckpointCodec.write(writer, checkpoint);
    headerCodec.write(writer, header);
    writePath(writer, inclusion, MAX_INCLUSION_HASHES);
    writePath(writer, consistency, MAX_CONSISTENCY_HASHES);
  },
  (reader) => ({
    from: { size: reader.u64(), root: reader.bytes32() },
    handovers: reader.list(MAX_HANDOVERS, MIN_HANDOVER_BYTES, handoverCodec.read),
    checkpoint: cosignedCheckpointCodec.read(reader),
    header: headerCodec.read(reader),
    inclusion: readPath(reader, MAX_INCLUSION_HASHES),
    consistency: readPath(reader, MAX_CONSISTENCY_HASHES),
  }),
);
