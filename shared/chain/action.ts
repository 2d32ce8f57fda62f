/**
 * What a transaction can do besides paying: register a validator, bond and unbond its stake,
 * retire it, and bring evidence (docs/protocol.md §6).
 *
 * The first four are the owner's: a coin of the owner must be among the transaction's inputs. They
 * take effect when the epoch ends.
 */
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import { type Offence, offenceCodec } from './offence.ts';
import { type Registration, registrationCodec } from './registration.ts';
import { readName, writeText } from './text.ts';

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
  | { readonly kind: 'evidence'; readonly offence: Offence };

const REGISTER = 0;
const BOND = 1;
const UNBOND = 2;
const RETIRE = 3;
const EVIDENCE = 4;

export const actionCodec: Codec<Action> = codec('action', 16 * 1_024, write, read);

/** Units that an action takes from the inputs. */
export function bondedUnits(action: Action): bigint {
  return action.kind === 'bond' ? action.amount : 0n;
}

function write(writer: Writer, action: Action): void {
  switch (action.kind) {
    case 'register':
      writer.u8(REGISTER);
      registrationCodec.write(writer, action.registration);
      return;
    case 'bond':
      writer.u8(BOND);
      writeText(writer, action.validator);
      writer.u64(action.amount);
      return;
    case 'unbond':
      writer.u8(UNBOND);
      writeText(writer, action.validator);
      writer.u64(action.amount);
      return;
    case 'retire':
      writer.u8(RETIRE);
      writeText(writer, action.validator);
      return;
    case 'evidence':
      writer.u8(EVIDENCE);
      offenceCodec.write(writer, action.offence);
  }
}

function read(reader: Reader): Action {
  const kind = reader.u8();
  switch (kind) {
    case REGISTER:
      return { kind: 'register', registration: registrationCodec.read(reader) };
    case BOND:
      return { kind: 'bond', validator: readName(reader), amount: reader.u64() };
    case UNBOND:
      return { kind: 'unbond', validator: readName(reader), amount: reader.u64() };
    case RETIRE:
      return { kind: 'retire', validator: readName(reader) };
    case EVIDENCE:
      return { kind: 'evidence', offence: offenceCodec.read(reader) };
  }
  throw reader.error('kind', `expected an action from 0 to 4, found ${kind}`);
}
