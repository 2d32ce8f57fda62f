/**
 * The first trust there is: the genesis file itself, named by its id (docs/protocol.md §9.1).
 *
 * Apart from the verifier's entry point, because it computes a whole state.
 */
import type { Genesis } from '../chain/genesis.ts';
import { type GenesisState, genesisState } from '../chain/genesis-state.ts';
import { blockId } from '../chain/header.ts';
import type { TrustState } from './trust.ts';

/** Trusts a chain from its genesis on. Nobody cosigned header 0: its id is the trust. */
export function trustGenesis(
  genesis: Genesis,
  state: GenesisState = genesisState(genesis),
): TrustState {
  return {
    origin: state.origin,
    genesisId: state.genesisId,
    prefix: genesis.prefix,
    trustingPeriodMillis: genesis.params.trustingPeriodMillis,
    validators: state.validators,
    header: state.header,
    root: blockId(state.header),
    cosignatures: [],
    sureAt: genesis.time,
  };
}
