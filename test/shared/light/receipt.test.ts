import { joinTransaction, transactionId } from 'fanal/chain/transaction.ts';
import { receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { formatReceipt, parseReceipt, verifyReceiptText } from 'fanal/light/receipt-text.ts';
import { toBase64 } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const chain = testChain({ sign: signNatively }).grow(2);
const payment = chain.pay('alice', 'bob', 5n, 'for the boat');
chain.pay('carol', 'bob', 1n);
chain.block();
chain.grow(4);
const receipt = chain.receipt(payment);
const text = formatReceipt(receipt, chain.set);
const trust = chain.trust();

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.code as string,
  );
const check = (file: string, anchor = trust) => verifyReceiptText(file, anchor, verifyNatively);

describe('a receipt', () => {
  it('proves a payment offline, from its text and from its bytes', async () => {
    const proved = await check(text);
    expect(proved.txid).toEqual(transactionId(payment.transaction));
    expect(joinTransaction(proved).transaction.outputs[0]?.amount).toBe(5n * UNITS_PER_COIN);
    expect(proved.header).toEqual(chain.header(3n));
    const bytes = receiptCodec.encode(receipt);
    const again = await verifyReceipt(receiptCodec.decode(bytes), trust, verifyNatively);
    expect(again).toEqual(proved);
    expect(await parseReceipt(text, trust, verifyNatively)).toEqual(receipt);
  });

  it('says when the payment was final', async () => {
    const { certifiedAt } = await check(text);
    expect(certifiedAt).toBe((chain.tip.time / 1_000n + 1n) * 1_000n);
  });

  it('is checked by the trust of an earlier epoch, when it brings the handovers', async () => {
    chain.endEpoch(chain.changedSet({ 'val-005': 3_000n }));
    chain.grow(2);
    const later = { ...chain.receipt(payment), epoch: 0, handovers: [chain.handover(0)] };
    const file = formatReceipt(later, chain.set);
    expect((await check(file)).txid).toEqual(transactionId(payment.transaction));
    const without = formatReceipt(chain.receipt(payment), chain.set);
    expect(await codeOf(check(without))).toBe('receipt/epoch');
  });

  it('is refused by the trust of a later epoch, which cannot know the old set', async () => {
    expect(await codeOf(check(text, chain.trust()))).toBe('receipt/epoch');
  });

  it('of another network is refused', async () => {
    const other = testChain({ network: 'other', sign: signNatively });
    expect(await codeOf(check(text, other.genesisTrust()))).toBe('receipt/origin');
  });

  it('that contradicts the trusted root at its size is refused', async () => {
    const root = chain.root(3n);
    const cosignatures = chain.cosign(8n, root);
    const forged = { ...receipt, checkpoint: { size: 8n, root, cosignatures } };
    const code = await codeOf(verifyReceipt(forged, trust, verifyNatively));
    expect(code).toBe('receipt/conflict');
  });

  it.each([
    ['another first line', text.replace('@v1', '@v2'), 'receipt/text'],
    ['no extra line', text.replace(/extra .*\n/, ''), 'receipt/text'],
    ['no index line', text.replace(/index .*\n/, ''), 'receipt/text'],
    ['another index', text.replace('index 3', 'index 4'), 'receipt/index'],
    ['an index with a leading zero', text.replace('index 3', 'index 03'), 'encoding/integer'],
    [
      'a hash too many',
      text.replace('index 3\n', `index 3\n${toBase64(chain.root())}\n`),
      'proof/path-length',
    ],
    ['nothing but the note', text.slice(text.indexOf('\n\n') + 2), 'receipt/text'],
    ['nothing at all', '', 'receipt/text'],
    ['a changed size', text.replace(`\n${8}\n`, '\n9\n'), 'checkpoint/bad-cosignature'],
  ])('with %s is refused', async (_, file, code) => {
    expect(file).not.toBe(text);
    expect(await codeOf(check(file))).toBe(code);
  });

  it('never proves anything else, whichever character of it is changed', async () => {
    const { txid, position, header } = await check(text);
    for (let at = 0; at < text.length; at += 7) {
      const old = text.charAt(at);
      const changed = text.slice(0, at) + (old === 'A' ? 'B' : 'A') + text.slice(at + 1);
      const outcome = await check(changed).catch(() => null);
      // A cosigner's line that nobody knows any more is ignored while a quorum is left.
      if (outcome !== null) expect(outcome).toMatchObject({ txid, position, header });
    }
  });
});
