/**
 * Network addresses: what people write (`host:port` or a multiaddr), what libp2p dials, and the
 * groups in which strangers are counted (one IPv4 address, one IPv6 /64).
 */

import { isIP, isIPv4 } from 'node:net';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { PeerName } from './identity.ts';

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/[\]]+)):([0-9]{1,5})$/;

/**
 * Reads `host:port`, `[::1]:port` or a multiaddr over tcp.
 *
 * @throws {FanalError} `network/address`
 */
export function parseAddress(text: string): Multiaddr {
  const refuse = (cause?: unknown) =>
    new FanalError(
      'network/address',
      `expected host:port or /ip4/…/tcp/…, found "${text.slice(0, 120)}"`,
      {
        cause,
      },
    );
  if (text.startsWith('/')) {
    let address: Multiaddr;
    try {
      address = multiaddr(text);
    } catch (cause) {
      throw refuse(cause);
    }
    if (!address.getComponents().some((part) => part.name === 'tcp')) throw refuse();
    return address;
  }
  const match = HOST_PORT.exec(text);
  if (match === null) throw refuse();
  const host = (match[1] ?? match[2]) as string;
  const port = Number(match[3]);
  if (port > 65_535) throw refuse();
  const family = isIP(host);
  if (match[1] !== undefined && family !== 6) throw refuse();
  const kind = family === 4 ? 'ip4' : family === 6 ? 'ip6' : 'dns';
  return multiaddr(`/${kind}/${host}/tcp/${port}`);
}

/** An address together with the peer that must answer there. */
export function addressOfPeer(address: string, peer: PeerName): Multiaddr {
  const parsed = parseAddress(address);
  const named = parsed.getComponents().find((part) => part.name === 'p2p')?.value;
  if (named === undefined) return parsed.encapsulate(`/p2p/${peer}`);
  if (named !== peer) {
    throw new FanalError('network/address', `address names peer ${named}, expected ${peer}`);
  }
  return parsed;
}

/** The host of an address, when it is an IP address. */
export function hostOf(address: Multiaddr): string | null {
  const part = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6');
  return part?.value ?? null;
}

/** The group in which connections from `host` are counted: the IPv4 address, or the IPv6 /64. */
export function addressGroup(host: string): string {
  if (isIPv4(host)) return host;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(host);
  if (mapped !== null && isIPv4(mapped[1] as string)) return mapped[1] as string;
  const [head = '', tail] = host.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
