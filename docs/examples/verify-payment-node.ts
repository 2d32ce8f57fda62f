/**
 * Verify a payment in Node 22.18 or later:
 *
 *   node verify-payment-node.ts <genesis id> <transaction id> <gateway> [<gateway> …]
 *
 * The genesis id is the only thing you have to know beforehand. Two gateways are compared when you
 * name two.
 */
import { createClient, fallback, fetchChain, formatCoins, http } from 'fanal';

const [genesisId = '', id = '', ...gateways] = process.argv.slice(2);
const transport = fallback(gateways.map((url) => http(url)));
const chain = await fetchChain(genesisId, transport);
const client = createClient({ chain, transport });

const tip = await client.sync();
console.log(`height ${tip.height}, ${tip.freshness}, agreed by ${tip.agreed} of ${tip.asked}`);

const payment = await client.getTransaction({ id });
if (payment === null) {
  console.log('no gateway knows this payment');
  process.exitCode = 7;
} else {
  const paid = payment.transaction.outputs.reduce((sum, { amount }) => sum + amount, 0n);
  console.log(`proved: ${formatCoins(paid)} coins in block ${payment.height}`);
}
