/**
 * The page: starts the verifying worker and shows the place the address bar names.
 */
import { signal } from '@preact/signals';
import { render } from 'preact';
import lantern from './lantern.svg';
import { ask, judge, RefusedError } from './link.ts';
import type { ChainView, Verdict } from './model.ts';
import { Home } from './pages/home.tsx';
import { Hash } from './parts/marks.tsx';
import { Search } from './parts/search.tsx';
import { VerdictNotice, VerdictPill } from './parts/verdict.tsx';
import { openKept } from './parts/wallet.tsx';
import { type Place, place } from './router.ts';

const chain = signal<ChainView | null>(null);

/** Milliseconds before the next try when the start fails. */
const RETRY_MILLIS = 2000;

async function start(): Promise<void> {
  try {
    chain.value = await ask('start', { base: window.location.origin });
    await openKept();
  } catch (error) {
    judge(verdictOf(error as Error));
    setTimeout(start, RETRY_MILLIS);
  }
}

function verdictOf(error: Error): Verdict {
  if (error instanceof RefusedError && error.step !== null) {
    const { step, code, hint, message } = error;
    return { kind: 'refused', step, reason: message, code, hint };
  }
  return { kind: 'offline', reason: error.message, sinceMillis: null };
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
      <div class="push">
        {current.kind !== 'home' && <VerdictPill />}
        <Search />
      </div>
    </header>
  );
}

function Current({ place: to }: { place: Place }) {
  switch (to.kind) {
    case 'home':
      return <Home chain={chain.value} />;
    default:
      return <Details place={to} />;
  }
}

type DetailsPage = typeof import('./pages/details.tsx').DetailsPage;
const details = signal<DetailsPage | null>(null);

/** Everything but the front page, loaded when it is first looked at. */
function Details({ place: to }: { place: Exclude<Place, { kind: 'home' }> }) {
  const Loaded = details.value;
  if (Loaded !== null) return <Loaded place={to} />;
  void import('./pages/details.tsx').then((module) => {
    details.value = module.DetailsPage;
  });
  return <p class="soft">Loading …</p>;
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
            class="small"
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

function show(): void {
  render(<Page />, document.getElementById('page') as HTMLElement);
}

// The script does not wait for the rest of the page, which may still be arriving.
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', show);
else show();
void start();
