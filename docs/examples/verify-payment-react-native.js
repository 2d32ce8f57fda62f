/**
 * Verify a payment in React Native: plain JavaScript, no native modules, no Node built-ins.
 *
 * Polyfills: Hermes lacks a few parts of the language, `installPolyfills` brings them. Before it,
 * load `react-native-get-random-values` (for `crypto.getRandomValues`) if your app makes keys;
 * checking payments and paying need none. `fetch`, timers, `WebSocket` and `AbortController` come
 * with React Native.
 */
import { installPolyfills } from 'fanal/polyfills/hermes.ts';

installPolyfills();

import { createClient, fallback, fetchChain, formatCoins, http } from 'fanal';

/** Resolves with what was paid and where, or null. Rejects when no gateway can prove what it says. */
export async function verifyPayment(genesisId, id, gateways) {
  const transport = fallback(gateways.map((url) => http(url)));
  const chain = await fetchChain(genesisId, transport);
  const client = createClient({ chain, transport });
  const payment = await client.getTransaction({ id });
  if (payment === null) return null;
  const paid = payment.transaction.outputs.reduce((sum, output) => sum + output.amount, 0n);
  return { coins: formatCoins(paid), height: String(payment.height) };
}
