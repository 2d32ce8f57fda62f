/**
 * An update: what leads a light client from where it is to the chain's tip, in one answer
 * (docs/protocol.md §9.2).
 */
import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_UPDATE_BYTES } from '../chain/limits.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import type { Codec } from '../primitives/codec.ts';
import type { Hash } from '../primitives/hash.ts';
import { bytes32, struct, u64 } from '../primitives/struct.ts';
import { type Handover, handoversField } from './handover.ts';
import { consistencyPath, inclusionPath } from './hashes.ts';
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

const tipCodec: Codec<LogTip> = /* @__PURE__ */ struct('log tip', 40, { size: u64, root: bytes32 });

export const updateCodec: Codec<Update> = /* @__PURE__ */ struct('update', MAX_UPDATE_BYTES, {
  from: tipCodec,
  handovers: handoversField,
  checkpoint: cosignedCheckpointCodec,
  header: headerCodec,
  inclusion: inclusionPath,
  consistency: consistencyPath,
});
