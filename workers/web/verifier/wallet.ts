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
import { http, type Source } from 'fanal/wallet/transport.ts';
import { createWallet, type Wallet } from 'fanal/wallet/wallet.ts';
import type { HistoryLine, WalletView } from '../model.ts';

const MAX_PENDING = 20;
const MAX_HISTORY = 20;
/** Unused addresses in a row that end a scan: a page's wallet uses few. */
const PAGE_GAP = 3;

type Stage = WalletView['pending'][number]['stage'];

export class PageWallet {
  readonly words: string;
  readonly #wallet: Wallet;
  readonly #client: Client;
  readonly #source: Source;
  readonly #tell: (view: WalletView) => void;
  readonly #pending = new Map<string, Stage>();
  #history: readonly HistoryLine[] = [];
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
      pending: [...this.#pending].map(([id, stage]) => ({ id, stage })).reverse(),
      history: this.#history,
    };
  }

  async refresh(): Promise<void> {
    await this.#wallet.sync({ allowStale: true });
    const lines: HistoryLine[] = [];
    for await (const item of this.#wallet.history({ allowStale: true })) {
      lines.push({
        height: item.height.toString(),
        id: toHex(item.txid),
        received: formatCoins(item.received),
        spent: formatCoins(item.spent),
      });
      if (lines.length >= MAX_HISTORY) break;
    }
    this.#history = lines;
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
    const id = toHex(faucetGrantShape.from(parseJson(bytes)).txid);
    this.#await(id, this.#client.waitForTransaction({ id }));
    return id;
  }

  async send(to: string, coins: string, note: string): Promise<string> {
    await this.#wallet.sync({ allowStale: false });
    const amount = parseCoins(coins);
    const draft = await this.#wallet.build({ to: [{ address: to.trim(), amount }], note });
    await this.#wallet.send(draft);
    const id = toHex(draft.id);
    this.#await(id, this.#wallet.confirm(draft));
    return id;
  }

  /** Shows a payment as sent, and as proved once it is. */
  #await(id: string, proof: Promise<unknown>): void {
    this.#set(id, 'sent');
    proof
      .then(() => {
        this.#set(id, 'proved');
        return this.refresh();
      })
      .catch(() => {
        this.#pending.delete(id);
        this.#tell(this.view());
      });
  }

  #set(id: string, stage: Stage): void {
    this.#pending.set(id, stage);
    for (const oldest of this.#pending.keys()) {
      if (this.#pending.size <= MAX_PENDING) break;
      this.#pending.delete(oldest);
    }
    this.#tell(this.view());
  }
}
