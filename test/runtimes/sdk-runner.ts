/**
 * Gives an engine one function: a wallet that pays over a chain in memory and proves what it got.
 */
import { installPolyfills } from 'fanal/polyfills/hermes.ts';

installPolyfills();

import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { verifyReceiptText } from 'fanal/light';
import { toHex } from 'fanal/primitives/bytes.ts';
import { flipBit, TestChain, testGateway } from 'fanal/testing';
import {
  accountFromMnemonic,
  createClient,
  createWallet,
  encodeAddress,
  http,
  newMnemonic,
  type Platform,
  UNITS_PER_COIN,
} from 'fanal/wallet';

/** What a wallet does on a phone, told as plain values. */
export async function payAndProve(): Promise<Record<string, unknown>> {
  const account = accountFromMnemonic(
    newMnemonic((length) => new Uint8Array(length).fill(5)),
    {
      prefix: 'dfan',
    },
  );
  const [mine, theirs] = [account.address(0), account.address(30)];
  if (mine === null || theirs === null) throw new Error('an account of words has no end');
  const chain = new TestChain({ balances: [{ address: mine, amount: 1_000n * UNITS_PER_COIN }] });
  chain.addBlock();
  const gateway = testGateway(chain);
  const platform: Partial<Platform> = {
    fetch: gateway.fetch,
    now: () => chain.tip.header.time,
    verify: verifyInJavaScript,
    abortController,
    sleep: (millis) => (millis >= 10_000 ? new Promise(() => {}) : Promise.resolve()),
  };
  const client = createClient({
    chain: { trust: chain.trust },
    transport: http(gateway.url, { platform }),
    platform,
  });
  const wallet = createWallet({ client, account });
  await wallet.sync();
  const amount = 5n * UNITS_PER_COIN;
  const draft = await wallet.build({ to: [{ address: theirs, amount }], note: 'from a phone' });
  await wallet.send(draft);
  chain.addBlock();
  const confirmed = await wallet.confirm(draft);
  const receipt = await verifyReceiptText(
    confirmed.receiptText,
    client.trusted(),
    verifyInJavaScript,
  );
  const balance = await client.getBalance({ address: encodeAddress(theirs, 'dfan') });
  gateway.tamper((answer) => flipBit(answer, 1_001));
  const refusal = await client.getCoins({ address: theirs }).then(
    () => 'believed',
    (error: { code: string }) => error.code,
  );
  return {
    txid: toHex(draft.id),
    receiptTxid: toHex(receipt.txid),
    height: `${confirmed.height}`,
    balance: `${balance.balance}`,
    refusal,
  };
}

/** An engine without a browser around it has none of its own. */
function abortController() {
  const listeners: (() => void)[] = [];
  const signal = {
    aborted: false,
    addEventListener: (_: 'abort', listener: () => void) => {
      listeners.push(listener);
    },
    removeEventListener: () => {},
  };
  return {
    signal,
    abort() {
      if (signal.aborted) return;
      signal.aborted = true;
      for (const listener of listeners) listener();
    },
  };
}

Object.assign(globalThis, { payAndProve });
