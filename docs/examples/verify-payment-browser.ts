/**
 * Verify a payment in a browser: bundle this file with any bundler and call it from your page.
 *
 * Browsers with WebCrypto's Ed25519 (Chromium 137, Firefox 129, Safari 17) check signatures by
 * themselves; others load 10 kB of JavaScript for it. What is trusted is kept between visits.
 */
import { createClient, fallback, fetchChain, fromHex, http, type Store, toHex } from 'fanal';

/** Keeps a few kilobytes in the browser. */
const store: Store = {
  async get(name) {
    const text = localStorage.getItem(`fanal:${name}`);
    return text === null ? null : fromHex(text);
  },
  async set(name, value) {
    localStorage.setItem(`fanal:${name}`, toHex(value));
  },
};

/** Says in which block a payment is, or null. Throws when no gateway can prove what it says. */
export async function verifyPayment(
  genesisId: string,
  id: string,
  gateways: string[],
): Promise<{ height: string; time: string } | null> {
  const transport = fallback(gateways.map((url) => http(url)));
  const chain = await fetchChain(genesisId, transport);
  const client = createClient({ chain, transport, store });
  const payment = await client.getTransaction({ id });
  if (payment === null) return null;
  return { height: `${payment.height}`, time: new Date(Number(payment.time)).toISOString() };
}
