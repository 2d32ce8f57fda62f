/**
 * A small wallet for local networks: make a key, take coins from the faucet, pay, watch it proved.
 */
import { signal } from '@preact/signals';
import { ask, RefusedError, wallet } from '../link.ts';
import type { WalletPayment, WalletView } from '../model.ts';
import { Card, Hash, Notice, Proved } from './marks.tsx';
import { QrCode } from './qr.tsx';

/** Where this browser keeps the words of its local-network wallet. */
const WORDS_KEY = 'fanal/local-wallet';

const busy = signal<string | null>(null);
const problem = signal<string | null>(null);
const form = signal({ to: '', amount: '', note: '' });

async function act(name: string, work: () => Promise<unknown>): Promise<void> {
  busy.value = name;
  problem.value = null;
  try {
    await work();
  } catch (error) {
    const hint = error instanceof RefusedError && error.hint !== null ? ` ${error.hint}` : '';
    problem.value = `${error instanceof Error ? error.message : String(error)}${hint}`;
  } finally {
    busy.value = null;
  }
}

/** Opens the wallet this browser made before, if there is one. */
export async function openKept(): Promise<void> {
  const words = localStorage.getItem(WORDS_KEY);
  if (words !== null) await open(words);
}

async function open(kept: string | null): Promise<void> {
  const { words, wallet: view } = await ask('walletOpen', { words: kept });
  localStorage.setItem(WORDS_KEY, words);
  wallet.value = view;
}

async function send(event: Event): Promise<void> {
  event.preventDefault();
  await act('send', async () => {
    await ask('walletSend', form.value);
    form.value = { to: '', amount: '', note: '' };
  });
}

export function WalletCard({ faucet }: { faucet: boolean }) {
  const view = wallet.value;
  return (
    <Card title="Pay" mark={view === null ? undefined : <Proved />}>
      {view === null ? (
        <>
          <p>
            Make a key in this browser. It is kept here, unencrypted, and is meant for local and
            test networks only.
          </p>
          <button
            class="primary"
            type="button"
            disabled={busy.value !== null}
            onClick={() => act('open', () => open(null))}
            data-action="make-key"
          >
            Make a key
          </button>
        </>
      ) : (
        <Opened view={view} faucet={faucet} />
      )}
      {problem.value !== null && <Notice bad>{problem.value}</Notice>}
    </Card>
  );
}

const SIGN = { sent: '…', proved: '◆', failed: '✕' } as const;

function Payment({ payment: { id, what, stage, reason } }: { payment: WalletPayment }) {
  return (
    <li class={stage === 'failed' ? 'refused' : undefined} data-stage={stage}>
      <span aria-hidden="true">{SIGN[stage]}</span>
      <span>
        {stage === 'proved' ? <a href={`#/payment/${id}`}>{what}</a> : what}{' '}
        {stage === 'proved' && <Proved />}
        {stage === 'sent' && <span class="soft">sent, waiting for its proof</span>}
        {stage === 'failed' && <>did not happen: {reason}</>}
      </span>
    </li>
  );
}

function Opened({ view, faucet }: { view: WalletView; faucet: boolean }) {
  const set = (field: 'to' | 'amount' | 'note') => (event: { currentTarget: HTMLInputElement }) => {
    form.value = { ...form.value, [field]: event.currentTarget.value };
  };
  return (
    <>
      <p class="amount" data-balance={view.balance}>
        {view.balance} <span class="soft">coins</span>
      </p>
      <div class="row">
        <div class="grow">
          <p class="soft">Your address</p>
          <a href={`#/address/${view.address}`} data-own-address={view.address}>
            <Hash value={view.address} />
          </a>
        </div>
        <QrCode text={view.address} />
      </div>
      {faucet && (
        <div class="buttons">
          <button
            type="button"
            disabled={busy.value !== null}
            onClick={() => act('faucet', () => ask('walletFaucet', {}))}
            data-action="faucet"
          >
            {busy.value === 'faucet' ? 'Asking the faucet …' : 'Take coins from the faucet'}
          </button>
        </div>
      )}
      <form onSubmit={send}>
        <label for="to">To</label>
        <input
          id="to"
          required
          autocomplete="off"
          spellcheck={false}
          value={form.value.to}
          onInput={set('to')}
        />
        <div class="row">
          <div class="grow">
            <label for="amount">Coins</label>
            <input
              id="amount"
              required
              inputMode="decimal"
              autocomplete="off"
              value={form.value.amount}
              onInput={set('amount')}
            />
          </div>
          <div class="grow">
            <label for="note">Note (public)</label>
            <input
              id="note"
              autocomplete="off"
              maxLength={256}
              value={form.value.note}
              onInput={set('note')}
            />
          </div>
          <button class="primary" type="submit" disabled={busy.value !== null} data-action="send">
            {busy.value === 'send' ? 'Sending …' : 'Pay'}
          </button>
        </div>
      </form>
      {view.payments.length > 0 && (
        <ul class="steps" aria-live="polite" aria-label="payments of this visit">
          {view.payments.map((payment) => (
            <Payment key={payment.id} payment={payment} />
          ))}
        </ul>
      )}
    </>
  );
}
