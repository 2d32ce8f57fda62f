/**
 * The first start of a validator's keys on a machine: both guards against signing twice are
 * written at zero, so that later their absence means that something was lost.
 */
import { existsSync } from 'node:fs';
import { equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { ConfigError } from '../config.ts';
import { openJournal } from '../store/journal.ts';
import type { SignStateOwner } from '../store/sign-state.ts';
import type { ChainIdentity } from './chain-files.ts';
import { type Home, makeFolder } from './home.ts';
import { nativeTaggedHash } from './native-crypto.ts';
import { readRegistration } from './registration-file.ts';
import { writeNewSecret } from './secret-file.ts';

/**
 * Prepares the folder of a validator that has never signed. Does nothing where that was done.
 *
 * @returns the validator's name, or null for a node without validator keys
 */
export async function prepareSigning(home: Home, chain: ChainIdentity): Promise<string | null> {
  const registration = readRegistration(home, chain);
  if (registration === null) return null;
  const known = chain.validators.validators.find(({ name }) => name === registration.name);
  if (known !== undefined && !equalBytes(known.vertexKey, registration.vertexKey)) {
    throw new ConfigError(
      `the genesis names other keys for ${registration.name} than ${home.registration}`,
      { hint: 'Send this folder’s validator.json to the coordinator, or use the right folder.' },
    );
  }
  refuseLostGuards(home);
  makeFolder(home.data);
  const owner: SignStateOwner = {
    genesisId: chain.genesisId,
    vertexKey: registration.vertexKey,
    checkpointKey: registration.checkpointKey,
  };
  const journal = openJournal({
    path: home.journal,
    hash: nativeTaggedHash,
    signing: { path: home.signState, owner },
  });
  try {
    journal.beginSigning();
  } finally {
    journal.close();
  }
  // Dying before this line leaves guards without the mark, which is harmless.
  if (!existsSync(home.signingMark))
    writeNewSecret(home.signingMark, `${toHex(owner.genesisId)}\n`);
  return registration.name;
}

/** Keys that may have signed must not begin at zero again. */
function refuseLostGuards(home: Home): void {
  if (!existsSync(home.signingMark)) return;
  if (existsSync(home.signState) || existsSync(home.journal)) return;
  throw new FanalError(
    'safety/sign-state-lost',
    `these keys have signed before, and what they signed last is lost (${home.signState})`,
    {
      hint: 'Restore the sign state from a backup, or retire this validator and register new keys. Until then, run with --observe.',
    },
  );
}
