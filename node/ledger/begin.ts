/**
 * Writes block 0: the state that the genesis file makes.
 */
import { type Genesis, genesisCodec } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { EPOCH_KEY, PARAMETERS_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { compareBytes } from 'fanal/primitives/bytes.ts';
import { nativeSha256 } from './native-hash.ts';
import { coinKeyOf } from './stored-coin.ts';
import type { Tables } from './tables.ts';

/** Writes the genesis state into empty tables, in one transaction. */
export function beginWithGenesis(tables: Tables, genesis: Genesis): GenesisState {
  const state = genesisState(genesis, nativeSha256);
  tables.database.transaction(() => {
    writeAddresses(tables, state);
    const keys = [
      PARAMETERS_KEY,
      EPOCH_KEY,
      ...state.records.map(({ name }) => validatorKey(name)),
    ];
    for (const { key, value } of state.entries) {
      if (keys.some((other) => compareBytes(key, other) === 0)) tables.records.set({ key, value });
    }
    tables.epochs.begin(0, state.validators);
    const committed = state.validators.validators.map(() => 0);
    const header = headerCodec.encode(state.header);
    tables.blocks.write(
      { header: state.header, committed, equivocations: [], nextValidators: null },
      header,
      [],
    );
    tables.log.append(header);
    tables.meta.setGenesis(genesisCodec.encode(genesis));
    tables.meta.setCounts({
      coins: tables.accounts.count,
      addresses: tables.accounts.count,
      payments: 0n,
      firstBody: 0n,
      firstHistory: 0n,
      oldestState: 0n,
    });
  });
  return state;
}

function writeAddresses(tables: Tables, { addresses }: GenesisState): void {
  for (const { address, coin, entry, record } of addresses) {
    const account = tables.accounts.open(address);
    const { size } = tables.history.append(account, [entry]);
    assert(size === record.historySize, 'a genesis address has one line of history');
    account.record = record;
    account.few = [{ ...coin, key: coinKeyOf(coin), addressId: account.id }];
    tables.accounts.write(account, true);
  }
}
