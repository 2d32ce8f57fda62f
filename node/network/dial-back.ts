/**
 * Whether a peer can be reached where it says it can: one connection, which has to answer as our
 * protocol does. It goes only to where the peer itself is connected from, so that nobody can make
 * a node connect to strangers.
 */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { parseAddress } from './addresses.ts';
import { NETWORK_LIMITS } from './limits.ts';

/** `elsewhere`: the address is not the one that the peer comes from, and was not tried. */
export type DialVerdict = 'reached' | 'closed' | 'elsewhere';
export const DIAL_VERDICTS: readonly DialVerdict[] = ['reached', 'closed', 'elsewhere'];

/** What both sides of a new connection say first. */
const GREETING = Buffer.from('\x13/multistream/1.0.0\n', 'latin1');

let underWay = 0;

/**
 * @param address where the peer says it is
 * @param seenAt where its connection to us comes from
 */
export async function dialBack(address: string, seenAt: string): Promise<DialVerdict> {
  const [host, port] = await placeOf(address);
  const [seen] = await placeOf(seenAt);
  if (host === null || host !== seen || port === 0) return 'elsewhere';
  if (underWay >= NETWORK_LIMITS.dialBacks) return 'elsewhere';
  underWay++;
  try {
    return (await answers(host, port)) ? 'reached' : 'closed';
  } finally {
    underWay--;
  }
}

/** The IP address and the port of an address; names are looked up. */
async function placeOf(text: string): Promise<[host: string | null, port: number]> {
  try {
    const parts = parseAddress(text).getComponents();
    const port = Number(parts.find(({ name }) => name === 'tcp')?.value ?? 0);
    const named = parts.find(({ name }) => /^(ip[46]|dns[46]?)$/.test(name));
    if (named?.value === undefined) return [null, 0];
    const { address } = await lookup(named.value);
    return [address.replace(/^::ffff:(?=[0-9.]+$)/i, ''), port];
  } catch {
    return [null, 0];
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    const socket = connect({ host, port, timeout: NETWORK_LIMITS.dialMillis });
    const end = (isGood: boolean) => {
      socket.destroy();
      resolve(isGood);
    };
    socket.on('connect', () => socket.write(GREETING));
    socket.on('data', (bytes: Buffer) => {
      heard = Buffer.concat([heard, bytes]);
      if (heard.length >= GREETING.length) {
        end(heard.subarray(0, GREETING.length).equals(GREETING));
      }
    });
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
    socket.on('end', () => end(false));
  });
}
