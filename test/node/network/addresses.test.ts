import { addressGroup, addressOfPeer, hostOf, parseAddress } from 'fanal-node/network/addresses.ts';
import { keyOfPeer, networkIdentity, peerOfKey } from 'fanal-node/network/identity.ts';
import { describe, expect, test } from 'vitest';

describe('network addresses', () => {
  test.each([
    ['192.0.2.7:26700', '/ip4/192.0.2.7/tcp/26700'],
    ['[2001:db8::1]:26700', '/ip6/2001:db8::1/tcp/26700'],
    ['node.example.org:26700', '/dns/node.example.org/tcp/26700'],
    ['/ip4/192.0.2.7/tcp/26700', '/ip4/192.0.2.7/tcp/26700'],
  ])('%s is read', (text, expected) => {
    expect(parseAddress(text).toString()).toBe(expected);
  });

  test.each([
    '',
    'host',
    'host:',
    'host:70000',
    '[host]:1',
    'a b:1',
    '/ip4/1.2.3.4',
    '/nonsense',
    '1.2.3.4:1/x',
  ])('"%s" is refused with a message that quotes it', (text) => {
    expect(() => parseAddress(text)).toThrow(`found "${text}"`);
  });

  test('strangers are counted by IPv4 address and by IPv6 /64', () => {
    expect(addressGroup('192.0.2.7')).toBe('192.0.2.7');
    expect(addressGroup('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(addressGroup('2001:db8:1:2:aaaa::1')).toBe(addressGroup('2001:db8:1:2::ffff'));
    expect(addressGroup('2001:db8:1:2::1')).not.toBe(addressGroup('2001:db8:1:3::1'));
    expect(addressGroup('fe80::1%eth0')).toBe(addressGroup('fe80::2'));
    expect(hostOf(parseAddress('192.0.2.7:1'))).toBe('192.0.2.7');
    expect(hostOf(parseAddress('example.org:1'))).toBeNull();
  });

  test('a peer id and its network key are two forms of one thing', async () => {
    const identity = await networkIdentity(new Uint8Array(32).fill(9));
    expect(peerOfKey(identity.publicKey)).toBe(identity.peer);
    expect([...keyOfPeer(identity.peer)]).toEqual([...identity.publicKey]);
    expect(() => keyOfPeer('nobody')).toThrow(/expected an Ed25519 peer id/);
  });

  test('an address that names another peer is refused', async () => {
    const one = await networkIdentity(new Uint8Array(32).fill(1));
    const two = await networkIdentity(new Uint8Array(32).fill(2));
    const address = addressOfPeer('192.0.2.7:1', one.peer).toString();
    expect(address).toBe(`/ip4/192.0.2.7/tcp/1/p2p/${one.peer}`);
    expect(addressOfPeer(address, one.peer).toString()).toBe(address);
    expect(() => addressOfPeer(address, two.peer)).toThrow(/names peer/);
  });
});
