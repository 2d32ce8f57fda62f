/**
 * Whether others can reach this node where its validator says it is: some peers are asked to try.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { DIAL_VERDICTS, type DialVerdict } from '../network/dial-back.ts';
import type { PeerName } from '../network/identity.ts';
import { dialAnswerCodec, exchangeRequestCodec } from './exchange.ts';
import { RUNTIME_LIMITS } from './limits.ts';

/** How many peers said what of one address; `unknown`: no answer. */
export type Reach = { readonly address: string } & Readonly<
  Record<DialVerdict | 'unknown', number>
>;

/** Asks up to three peers, each for every address. */
export async function findReach(
  addresses: readonly string[],
  peers: readonly PeerName[],
  ask: (peer: PeerName, request: Bytes) => AsyncGenerator<Bytes>,
): Promise<Reach[]> {
  const asked = peers.slice(0, RUNTIME_LIMITS.reachPeers);
  return Promise.all(
    addresses.map(async (address) => {
      const request = exchangeRequestCodec.encode({ kind: 'dial', address });
      const verdicts = await Promise.all(
        asked.map(async (peer): Promise<DialVerdict | 'unknown'> => {
          try {
            for await (const bytes of ask(peer, request)) return dialAnswerCodec.decode(bytes);
          } catch {
            // It may be an older release.
          }
          return 'unknown';
        }),
      );
      const count = (verdict: DialVerdict | 'unknown') =>
        verdicts.filter((one) => one === verdict).length;
      const [reached, closed, elsewhere] = DIAL_VERDICTS.map(count) as [number, number, number];
      return { address, reached, closed, elsewhere, unknown: count('unknown') };
    }),
  );
}
