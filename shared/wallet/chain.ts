/**
 * Where a client's trust begins: a trust file, the genesis file, or the genesis id alone.
 */
import { type Genesis, genesisCodec } from '../chain/genesis.ts';
import { genesisState } from '../chain/genesis-state.ts';
import { MAX_GENESIS_BYTES } from '../chain/limits.ts';
import { parseTrust } from '../light/trust-file.ts';
import { trustGenesis } from '../light/trust-genesis.ts';
import { type Bytes32, bytes32FromHex, equalBytes, toHex } from '../primitives/bytes.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Chain } from './client-types.ts';
import { type Platform, platform } from './platform.ts';
import { Sources } from './sources.ts';
import { bytesCall, type Transport } from './transport.ts';

/** The chain of a trust file: the way to start when the network is older than its trusting period. */
export function chainFromTrust(text: string): Chain {
  return { trust: parseTrust(text) };
}

/** The chain that a genesis file begins. */
export function chainFromGenesis(genesis: Genesis): Chain {
  return { trust: trustGenesis(genesis) };
}

/**
 * The chain with this genesis id: any server may send the file, for the id is computed from it.
 *
 * @throws {VerificationError} `genesis/another-chain` when no source has the file of that id
 */
export async function fetchChain(
  genesisId: string | Bytes32,
  transport: Transport,
  own: Partial<Platform> = {},
): Promise<Chain> {
  const expected = typeof genesisId === 'string' ? bytes32FromHex(genesisId) : genesisId;
  const sources = new Sources(transport, platform(own).now);
  return sources.first(bytesCall('genesis', {}, MAX_GENESIS_BYTES), (bytes) => {
    const genesis = genesisCodec.decode(bytes);
    const state = genesisState(genesis);
    if (!equalBytes(state.genesisId, expected)) {
      throw new VerificationError(
        'genesis/another-chain',
        'genesis file',
        `genesis ${toHex(expected)}`,
        toHex(state.genesisId),
      );
    }
    return { trust: trustGenesis(genesis, state) };
  });
}
