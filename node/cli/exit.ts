/**
 * Exit codes: what a script, or systemd, learns from the end of a command.
 */
import { FanalError } from 'fanal/primitives/errors.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  network: 4,
  verification: 5,
  /** Going on could sign twice, or lose money: a person has to look. */
  unsafe: 6,
  notFound: 7,
  checksNotMet: 8,
  alreadyRunning: 9,
  interrupted: 130,
} as const;

/** A wrong way to call a command. */
export class UsageError extends FanalError {
  constructor(message: string, hint?: string) {
    super('cli/usage', message, hint === undefined ? {} : { hint });
    this.name = 'UsageError';
  }
}

/** What was asked for is not there. */
export class NotFoundError extends FanalError {
  constructor(message: string, hint?: string) {
    super('cli/not-found', message, hint === undefined ? {} : { hint });
    this.name = 'NotFoundError';
  }
}

/** Some of the checks that a command made did not hold; it has said which. */
export class ChecksNotMetError extends FanalError {
  constructor(message: string) {
    super('cli/checks-not-met', message);
    this.name = 'ChecksNotMetError';
  }
}

/** By the first part of an error's code, or the whole of it, which goes first. */
const BY_CODE: Readonly<Record<string, number>> = {
  'cli/usage': EXIT.usage,
  'cli/not-found': EXIT.notFound,
  'cli/checks-not-met': EXIT.checksNotMet,
  'store/already-running': EXIT.alreadyRunning,
  'store/sign-state': EXIT.unsafe,
  'ledger/divergent-checkpoint': EXIT.unsafe,
  'client/not-found': EXIT.notFound,
  'wallet/payment': EXIT.usage,
  'problem/not-found': EXIT.notFound,
  'problem/transaction-invalid': EXIT.failed,
  'problem/transaction-conflict': EXIT.failed,
  'problem/fee-too-low': EXIT.failed,
  'dev/no-validator': EXIT.usage,
  'dev/not-running': EXIT.notFound,
  'dev/port-taken': EXIT.config,
  'dev/folder': EXIT.config,
  address: EXIT.usage,
  amount: EXIT.usage,
  keys: EXIT.usage,
  config: EXIT.config,
  genesis: EXIT.config,
  validators: EXIT.config,
  keystore: EXIT.config,
  safety: EXIT.unsafe,
  network: EXIT.network,
  client: EXIT.network,
  problem: EXIT.network,
  proof: EXIT.verification,
  checkpoint: EXIT.verification,
  light: EXIT.verification,
  receipt: EXIT.verification,
  evidence: EXIT.verification,
  encoding: EXIT.verification,
  decode: EXIT.verification,
  note: EXIT.verification,
  follow: EXIT.verification,
  'trust/expired': EXIT.verification,
  trust: EXIT.config,
  'snapshot/unknown': EXIT.notFound,
  'snapshot/ledger-exists': EXIT.unsafe,
  snapshot: EXIT.verification,
  'backup/other-keys': EXIT.unsafe,
  backup: EXIT.verification,
};

/** The exit code that an error deserves. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof FanalError)) return EXIT.failed;
  const exact = BY_CODE[error.code];
  if (exact !== undefined) return exact;
  if (error.name === 'VerificationError') return EXIT.verification;
  if (error.name === 'NetworkError') return EXIT.network;
  return BY_CODE[error.code.split('/')[0] ?? ''] ?? EXIT.failed;
}
