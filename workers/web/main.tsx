/**
 * The page: starts the verifying worker and shows the place the address bar names.
 */
import { signal } from '@preact/signals';
import { render } from 'preact';
import lantern from './lantern.svg';
import { ask, RefusedError, verdict } from './link.ts';
import type { ChainView } from './model.ts';
import { AddressPage, BlockPage, PaymentPage, ValidatorsPage } from './pages/details.tsx';
import { Home } from './pages/home.tsx';
import { Hash } from './parts/marks.tsx';
import { VerdictNotice, VerdictPill } from './parts/verdict.tsx';
import { openKept } from './parts/wallet.tsx';
import { type Place, place } from './router.ts';

const chain = signal<ChainView | null>(null);

/** Milliseconds before the next try when the server does not answer at the start. */
const RETRY_MILLIS = 2000;

async function start(): Promise<void> {
  try {
    chain.value = await ask('start', { base: window.location.origin });
    await openKept();
  } catch (error) {
    const refused = error instanceof RefusedError && !error.code.startsWith('network/');
    verdict.value = refused
      ? { kind: 'refused', step: error.code, reason: error.message }
      : { kind: 'offline', reason: String((error as Error).message), sinceMillis: Date.now() };
    if (!refused) setTimeout(start, RETRY_MILLIS);
  }
}

function Page() {
  return (
    <>
      <Top current={place.value} />
      <main>
        <VerdictNotice />
        <Current place={place.value} />
      </main>
      <Foot />
    </>
  );
}

function Top({ current }: { current: Place }) {
  const page = (kind: Place['kind']) => (current.kind === kind ? 'page' : undefined);
  return (
    <header class="bar-top">
      <a class="brand" href="#/">
        <img src={lantern} alt="" />
        Fanal
      </a>
      <nav aria-label="pages">
        <a class="tab" href="#/" aria-current={page('home')}>
          Live
        </a>
        <a class="tab" href="#/validators" aria-current={page('validators')}>
          Validators
        </a>
        <a class="tab" href="/docs">
          API
        </a>
      </nav>
      {current.kind !== 'home' && (
        <span class="push">
          <VerdictPill />
        </span>
      )}
    </header>
  );
}

function Current({ place: to }: { place: Place }) {
  switch (to.kind) {
    case 'home':
      return <Home chain={chain.value} />;
    case 'block':
      return <BlockPage height={to.height} />;
    case 'payment':
      return <PaymentPage id={to.id} />;
    case 'address':
      return <AddressPage address={to.address} />;
    case 'validators':
      return <ValidatorsPage />;
  }
}

function Foot() {
  const view = chain.value;
  return (
    <footer class="foot">
      {view !== null && (
        <p>
          Trust anchor: genesis <Hash value={view.genesisId} />
          {view.anchor === 'first-visit'
            ? ', taken from this server at your first visit. Compare it with a source you trust.'
            : ', kept by this browser since an earlier visit.'}{' '}
          <button
            type="button"
            onClick={() => {
              void ask('forget', {}).then(() => window.location.reload());
            }}
          >
            Forget it
          </button>
        </p>
      )}
      <p>
        Proved: signatures, headers, payments, balances, histories. Not proved, and marked so: fees,
        performance, anything not yet certified. The server sees what you look up.
      </p>
    </footer>
  );
}

render(<Page />, document.getElementById('page') as HTMLElement);
void start();
