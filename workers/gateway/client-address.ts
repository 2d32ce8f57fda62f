/**
 * Whom a limit counts: an IPv4 address whole, an IPv6 address as its /64, because a household owns
 * all of that.
 *
 * The address comes from the platform (`CF-Connecting-IP` on Cloudflare, the socket when
 * self-hosted), never from a header that a client may write.
 */

/** The limiter's key for an address; one shared key for what is not an address. */
export function clientKey(address: string | null): string {
  if (address === null) return 'unknown';
  const v4 = parseIpv4(address);
  if (v4 !== null) return v4.join('.');
  const v6 = parseIpv6(address);
  if (v6 === null) return 'unknown';
  if (v6.slice(0, 5).every((group) => group === 0) && v6[5] === 0xffff) {
    const [high, low] = [v6[6] as number, v6[7] as number];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return `${v6
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(?:0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseIpv6(text: string): number[] | null {
  const bare = text.replace(/%.*$/, '');
  const halves = bare.split('::');
  if (halves.length > 2) return null;
  const groupsOf = (half: string): number[] | null => {
    if (half === '') return [];
    const groups: number[] = [];
    const parts = half.split(':');
    for (const [at, part] of parts.entries()) {
      if (part.includes('.')) {
        const v4 = at === parts.length - 1 ? parseIpv4(part) : null;
        if (v4 === null) return null;
        const [a, b, c, d] = v4 as [number, number, number, number];
        groups.push((a << 8) | b, (c << 8) | d);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
        groups.push(Number.parseInt(part, 16));
      } else {
        return null;
      }
    }
    return groups;
  };
  const head = groupsOf(halves[0] as string);
  const tail = halves.length === 2 ? groupsOf(halves[1] as string) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : null;
  if (missing < 1) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}
