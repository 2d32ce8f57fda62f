/**
 * The page's small wallet: one account of a mnemonic, on the session's client.
 */
import { faucetGrantShape } from 'fanal/api/chain.ts';
import { parseJson } from 'fanal/api/json.ts';
import { newMnemonic } from 'fanal/crypto/keys.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { accountFromMnemonic } from 'fanal/wallet/account.ts';
import { formatCoins, parseCoins } from 'fanal/wallet/amounts.ts';
import type { Client } from 'fanal/wallet/client-types.ts';
import { deliver } from 'fanal/wallet/delivery.ts';
import { http, type Source } from 'fanal/wallet/transport.ts';
import { createWallet, type Wallet } from 'fanal/wallet/wallet.ts';
import type { WalletPayment, WalletView } from '../model.ts';

/** Payments of this visit that are listed. */
const MAX_PAYMENTS = 20;
/** Unused addresses in a row that end a scan: a page's wallet uses few. */
const PAGE_GAP = 3;

export class PageWallet {
  readonly words: string;
  readonly #wallet: Wallet;
  readonly #client: Client;
  readonly #source: Source;
  readonly #tell: (view: WalletView) => void;
  readonly #payments = new Map<string, WalletPayment>();
  /** The address on show: the first of the account, so that it does not change under the eye. */
  readonly #address: string;

  private constructor(
    words: string,
    wallet: Wallet,
    client: Client,
    base: string,
    tell: (view: WalletView) => void,
  ) {
    this.words = words;
    this.#wallet = wallet;
    this.#client = client;
    this.#source = http(base).sources[0] as Source;
    this.#tell = tell;
    this.#address = wallet.addresses()[0]?.address ?? wallet.receive();
  }

  /** Opens the wallet of these words, or of new ones. */
  static async open(
    client: Client,
    base: string,
    words: string | null,
    tell: (view: WalletView) => void,
  ): Promise<PageWallet> {
    const chosen = words ?? newMnemonic((length) => crypto.getRandomValues(new Uint8Array(length)));
    const account = accountFromMnemonic(chosen, { prefix: client.trusted().prefix });
    const wallet = createWallet({ client, account, gap: PAGE_GAP });
    await wallet.sync({ allowStale: true });
    const page = new PageWallet(chosen, wallet, client, base, tell);
    client.watchAddress({
      address: page.#address,
      onChange: () => void page.refresh().catch(() => {}),
    });
    await page.refresh();
    return page;
  }

  view(): WalletView {
    return {
      address: this.#address,
      balance: formatCoins(this.#wallet.balance().total),
      payments: [...this.#payments.values()].reverse(),
    };
  }

  async refresh(): Promise<void> {
    await this.#wallet.sync({ allowStale: true });
    this.#tell(this.view());
  }

  /** Asks the network's faucet for coins. Only test networks have one. */
  async faucet(): Promise<string> {
    const bytes = await this.#source.request({
      method: 'POST',
      target: '/v1/faucet',
      headers: { 'content-type': 'application/json' },
      body: utf8(JSON.stringify({ address: this.#address })),
      maxBytes: 4096,
    });
    const { txid, amount } = faucetGrantShape.from(parseJson(bytes));
    const id = toHex(txid);
    const what = `${formatCoins(amount)} coins from the faucet`;
    this.#await(id, what, this.#client.waitForTransaction({ id }));
    return id;
  }

  async send(to: string, coins: string, note: string): Promise<string> {
    await this.#wallet.sync({ allowStale: false });
    const amount = parseCoins(coins);
    const draft = await this.#wallet.build({ to: [{ address: to.trim(), amount }], note });
    await deliver(this.#wallet, draft);
    const id = toHex(draft.id);
    const what = `${formatCoins(amount)} coins to ${to.trim().slice(0, 12)}…`;
    this.#await(id, what, this.#wallet.confirm(draft));
    return id;
  }

  /** Shows a payment as sent, and as proved at once with the balance after it. */
  #await(id: string, what: string, proof: Promise<unknown>): void {
    this.#set({ id, what, stage: 'sent', reason: null });
    proof
      .then(() => this.#wallet.sync({ allowStale: true }).catch(() => null))
      .then(() => this.#set({ id, what, stage: 'proved', reason: null }))
      .catch((error: Error) => this.#set({ id, what, stage: 'failed', reason: error.message }));
  }

  #set(payment: WalletPayment): void {
    this.#payments.set(payment.id, payment);
    for (const oldest of this.#payments.keys()) {
      if (this.#payments.size <= MAX_PAYMENTS) break;
      this.#payments.delete(oldest);
    }
    this.#tell(this.view());
  }
}
