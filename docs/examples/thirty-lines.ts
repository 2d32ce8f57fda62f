/** Add Fanal to a wallet: follow, show, pay, and keep a receipt. Every answer is checked here. */
import * as fanal from 'fanal';

export async function addFanal(genesisId: string, gateways: string[], words: string) {
  const transport = fanal.fallback(gateways.map((url) => fanal.http(url)));
  const chain = await fanal.fetchChain(genesisId, transport);
  const client = fanal.createClient({ chain, transport });
  const account = fanal.accountFromMnemonic(words, { prefix: chain.trust.prefix });
  const wallet = fanal.createWallet({ client, account });
  await wallet.sync();

  return {
    address: () => wallet.receive(),
    balance: () => fanal.formatCoins(wallet.balance().total),
    async pay(address: string, coins: string, note = '') {
      const amount = fanal.parseCoins(coins);
      const draft = await wallet.build({ to: [{ address, amount }], note });
      await wallet.send(draft);
      const payment = await wallet.confirm(draft); // proved, not just promised
      await wallet.sync();
      return payment.receiptText;
    },
    onChange: (show: (coins: string) => void) =>
      client.watchTip({
        onTip: () => void wallet.sync().then(({ total }) => show(fanal.formatCoins(total))),
      }),
  };
}
