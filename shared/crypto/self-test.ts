/**
 * A verifier's test before it is trusted: a few signatures on which verifiers are known to disagree.
 */
import { fromHex } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { VerifyBatch } from './filter.ts';

/**
 * Runs a verifier over signatures whose verdicts are known. A node does this when it starts.
 *
 * @throws {FanalError} `crypto/self-test` when a verdict is wrong, which makes this build or
 *   platform unfit to follow the chain
 */
export async function selfTestVerifier(verify: VerifyBatch): Promise<void> {
  const verdicts = await verify(
    CASES.map(({ message, publicKey, signature }) => ({
      message: fromHex(message),
      publicKey: fromHex(publicKey),
      signature: fromHex(signature),
    })),
  );
  CASES.forEach(({ name, valid }, i) => {
    if (verdicts[i] === valid) return;
    throw new FanalError(
      'crypto/self-test',
      `the Ed25519 verifier is wrong on "${name}": expected ${valid}, found ${verdicts[i]}`,
      { hint: 'Do not run with this build: it would disagree with the network.' },
    );
  });
}

interface Case {
  readonly name: string;
  readonly valid: boolean;
  readonly message: string;
  readonly publicKey: string;
  readonly signature: string;
}

/** The first from RFC 8032 §7.1, the others from "Taming the many EdDSAs" (ePrint 2020/1244). */
const CASES: readonly Case[] = [
  {
    name: 'an ordinary signature',
    valid: true,
    message: '72',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'the same signature of another message',
    valid: false,
    message: '73',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'R of small order',
    valid: false,
    message: 'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    publicKey: 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    signature:
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  },
  {
    name: 'mixed order, both equations hold',
    valid: true,
    message: '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    publicKey: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  },
  {
    name: 'only the cofactored equation holds',
    valid: false,
    message: 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    publicKey: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  },
  {
    name: 'S above the group order',
    valid: false,
    message: '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    publicKey: '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    signature:
      'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  },
  {
    name: 'non-canonical R, reduced for the hash',
    valid: false,
    message: '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    publicKey: 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    signature:
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
  },
  {
    name: 'non-canonical key, reduced for the hash',
    valid: false,
    message: '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    publicKey: 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    signature:
      'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  },
];
