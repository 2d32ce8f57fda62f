/**
 * Three attacks on the verifier, each with a true answer that is spoiled on purpose.
 *
 * The verifier is the same code that follows the chain. Which checks ran is read off what it did;
 * the one that refuses names itself.
 */
import { UNUSED_ADDRESS } from 'fanal/chain/address-record.ts';
import { type AddressBytes, encodeAddress } from 'fanal/crypto/address.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { follow } from 'fanal/light/follow.ts';
import { type TrustState, trustedHeader } from 'fanal/light/trust.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError, VerificationError } from 'fanal/primitives/errors.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { formatCoins } from 'fanal/wallet/amounts.ts';
import type { TrialKind, TrialStep, TrialView } from '../model.ts';

export interface TrialPorts {
  /** A trusted state, and the bytes of the true update that leads on from it. */
  readonly before: TrustState;
  readonly update: Bytes;
  /** The newest trusted state, and the bytes of a true address proof at it. */
  readonly state: TrustState;
  readonly address: AddressBytes;
  readonly addressProof: Bytes;
  readonly now: bigint;
  readonly verify: VerifyBatch;
  readonly random: (length: number) => Bytes;
}

/** What a lying server makes up for an address that owns nothing. */
const MADE_UP_BALANCE = 1000n * UNITS_PER_COIN;

/** Runs one attack and tells what the verifier did. */
export async function runTrial(kind: TrialKind, ports: TrialPorts): Promise<TrialView> {
  const steps: TrialStep[] = [];
  const passed = (step: string, detail = '') => steps.push({ step, outcome: 'passed', detail });
  const attacks: Record<TrialKind, () => { attack: string; run: () => Promise<unknown> }> = {
    byte: () => changeByte(ports, passed),
    signatures: () => fakeSignatures(ports, passed),
    liar: () => inflateBalance(ports, passed),
  };
  const { attack, run } = attacks[kind]();
  try {
    await run();
    return { kind, attack, steps, refused: false, code: null };
  } catch (error) {
    if (!(error instanceof FanalError)) throw error;
    const step = error instanceof VerificationError ? error.step : 'reading the bytes';
    const detail =
      error instanceof VerificationError
        ? `expected ${error.expected}, found ${error.found}`
        : error.message;
    steps.push({ step, outcome: 'refused', detail });
    return { kind, attack, steps, refused: true, code: error.code };
  }
}

type Passed = (step: string, detail?: string) => void;

/** Flips a bit of the newest header, somewhere in its state root. */
function changeByte({ before, update, now, verify }: TrialPorts, passed: Passed) {
  const honest = updateCodec.decode(update);
  const stateRoot = honest.header.stateRoot.slice() as typeof honest.header.stateRoot;
  stateRoot[7] = (stateRoot[7] as number) ^ 1;
  const forged: Update = { ...honest, header: { ...honest.header, stateRoot } };
  return {
    attack: `One bit of block ${honest.header.height}'s state root was flipped.`,
    run: () => followTold(before, forged, now, verify, passed),
  };
}

/** Replaces every signature of the checkpoint by chance. */
function fakeSignatures({ before, update, now, verify, random }: TrialPorts, passed: Passed) {
  const honest = updateCodec.decode(update);
  const cosignatures = honest.checkpoint.cosignatures.map((cosignature) => {
    const signature = random(64);
    // A small scalar, so that the forgery looks like a signature and is refused as a wrong one.
    signature[63] = 0;
    return { ...cosignature, signature };
  });
  const forged: Update = { ...honest, checkpoint: { ...honest.checkpoint, cosignatures } };
  return {
    attack: `The ${cosignatures.length} signatures under block ${honest.header.height} were made up.`,
    run: () => followTold(before, forged, now, verify, passed),
  };
}

/** Says that an address owns a thousand times what it does. */
function inflateBalance({ state, address, addressProof }: TrialPorts, passed: Passed) {
  const honest = addressProofCodec.decode(addressProof);
  const { record: owned } = honest;
  const balance = (owned?.balance ?? MADE_UP_BALANCE) * 1000n;
  const record = { ...(owned ?? UNUSED_ADDRESS), balance };
  const text = encodeAddress(address, state.prefix);
  return {
    attack: `A server says that ${text.slice(0, 14)}… owns ${formatCoins(balance)} coins.`,
    run: async () => {
      passed('reading the answer');
      passed('header', `block ${state.header.height}, certified and already checked here`);
      verifyAddressProof({ ...honest, record }, address, trustedHeader(state));
    },
  };
}

async function followTold(
  before: TrustState,
  update: Update,
  now: bigint,
  verify: VerifyBatch,
  passed: Passed,
): Promise<void> {
  passed(
    'reading the bytes',
    `an update from block ${before.header.height} to ${update.header.height}`,
  );
  let good = 0;
  let bad = 0;
  const counted: VerifyBatch = async (items) => {
    const verdicts = await verify(items);
    for (const verdict of verdicts) verdict ? good++ : bad++;
    return verdicts;
  };
  try {
    await follow(before, update, { now, verify: counted });
  } finally {
    if (good > 0 && bad === 0)
      passed('signatures', `${good} checked, more than two thirds of the stake`);
    if (bad > 0) passed('counting signatures', `${good} true, ${bad} false`);
  }
}
