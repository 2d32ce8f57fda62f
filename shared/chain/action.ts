/**
 * What a transaction can do besides paying: register a validator, bond and unbond its stake,
 * retire it, bring evidence, say which protocol version it is ready for, and move it to other
 * network addresses (docs/protocol.md §3.6).
 *
 * All but evidence are the owner's: a coin of the owner must be among the transaction's inputs.
 * What touches stake takes effect when the epoch ends.
 */
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import { struct, u8, u64 } from '../primitives/struct.ts';
import { type Offence, offenceCodec } from './offence.ts';
import { networkAddressesField, type Registration, registrationCodec } from './registration.ts';
import { nameField } from './text.ts';

export type Action =
  /** Takes a name for good. A bond of at least `minStake` follows in the same transaction. */
  | { readonly kind: 'register'; readonly registration: Registration }
  /** Adds units from the inputs to a validator's stake. */
  | { readonly kind: 'bond'; readonly validator: string; readonly amount: bigint }
  /** Takes units off a validator's stake; a coin to the owner after `unbondingEpochs`. */
  | { readonly kind: 'unbond'; readonly validator: string; readonly amount: bigint }
  /** Leaves the set and unbonds all stake. */
  | { readonly kind: 'retire'; readonly validator: string }
  /** Proves that a validator signed two things where it may sign one. */
  | { readonly kind: 'evidence'; readonly offence: Offence }
  /** Says up to which protocol version the validator's software knows the rules. */
  | { readonly kind: 'ready'; readonly validator: string; readonly version: number }
  /** Names other network addresses for a validator. From version 2 on. */
  | { readonly kind: 'move'; readonly validator: string; readonly addresses: readonly string[] };

interface Stake {
  readonly validator: string;
  readonly amount: bigint;
}

const stakeCodec: Codec<Stake> = /* @__PURE__ */ struct('stake', 64, {
  validator: nameField,
  amount: u64,
});

const readyCodec: Codec<{ readonly validator: string; readonly version: number }> =
  /* @__PURE__ */ struct('readiness of a validator', 64, { validator: nameField, version: u8 });

const moveCodec: Codec<{ readonly validator: string; readonly addresses: readonly string[] }> =
  /* @__PURE__ */ struct('move', 1_024, {
    validator: nameField,
    addresses: networkAddressesField,
  });

const KINDS = ['register', 'bond', 'unbond', 'retire', 'evidence', 'ready', 'move'] as const;

/** The kind as a byte 0 to 6, then what it is about. */
export const actionCodec: Codec<Action> = /* @__PURE__ */ codec('action', 16 * 1_024, write, read);

/** Units that an action takes from the inputs. */
export function bondedUnits(action: Action): bigint {
  return action.kind === 'bond' ? action.amount : 0n;
}

function write(writer: Writer, action: Action): void {
  writer.u8(KINDS.indexOf(action.kind));
  switch (action.kind) {
    case 'register':
      registrationCodec.write(writer, action.registration);
      return;
    case 'bond':
    case 'unbond':
      stakeCodec.write(writer, action);
      return;
    case 'retire':
      nameField.write(writer, action.validator);
      return;
    case 'evidence':
      offenceCodec.write(writer, action.offence);
      return;
    case 'ready':
      readyCodec.write(writer, action);
      return;
    case 'move':
      moveCodec.write(writer, action);
  }
}

function read(reader: Reader): Action {
  const byte = reader.u8();
  const kind = KINDS[byte];
  if (kind === undefined) throw reader.error('kind', `expected 0 to 6, found ${byte}`);
  switch (kind) {
    case 'register':
      return { kind, registration: registrationCodec.read(reader) };
    case 'bond':
    case 'unbond':
      return { kind, ...stakeCodec.read(reader) };
    case 'retire':
      return { kind, validator: nameField.read(reader) };
    case 'evidence':
      return { kind, offence: offenceCodec.read(reader) };
    case 'ready':
      return { kind, ...readyCodec.read(reader) };
    case 'move':
      return { kind, ...moveCodec.read(reader) };
  }
}
