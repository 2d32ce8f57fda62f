/**
 * Who the members are and where they can be reached: from the ledger to the network.
 */
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { EpochRecord } from '../core/types.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import { parseAddress } from '../network/addresses.ts';
import { type PeerName, peerOfKey } from '../network/identity.ts';

/** Addresses of an epoch's members by peer. A member without a usable one has to dial us. */
export async function memberAddresses(
  ledger: AsyncLedger,
  record: EpochRecord,
): Promise<Map<PeerName, readonly string[]>> {
  const registered = new Map<PeerName, readonly string[]>();
  for (const { record: bytes } of await ledger.validators()) {
    const { networkKey, addresses } = validatorRecordCodec.decode(bytes);
    registered.set(peerOfKey(networkKey), addresses.filter(isUsable));
  }
  return new Map(
    record.members.map(({ networkKey }) => {
      const peer = peerOfKey(networkKey);
      return [peer, registered.get(peer) ?? []];
    }),
  );
}

function isUsable(address: string): boolean {
  try {
    parseAddress(address);
    return true;
  } catch {
    return false;
  }
}
