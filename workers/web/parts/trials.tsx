/**
 * Three buttons that try to fool the verifier, and what it says.
 */
import { signal } from '@preact/signals';
import { ask, RefusedError } from '../link.ts';
import type { TrialKind, TrialStep, TrialView } from '../model.ts';
import { Card, Notice } from './marks.tsx';

const BUTTONS: readonly { readonly kind: TrialKind; readonly text: string }[] = [
  { kind: 'byte', text: 'Change one byte' },
  { kind: 'signatures', text: 'Fake the signatures' },
  { kind: 'liar', text: 'Ask a lying server' },
];

const trial = signal<TrialView | null>(null);
const busy = signal(false);
const failure = signal<string | null>(null);

async function run(kind: TrialKind): Promise<void> {
  busy.value = true;
  failure.value = null;
  try {
    trial.value = await ask('trial', { kind });
  } catch (error) {
    failure.value = error instanceof RefusedError ? error.message : String(error);
  } finally {
    busy.value = false;
  }
}

export function Trials() {
  const view = trial.value;
  return (
    <Card title="Break it">
      <p>
        Try to make your browser believe something false. Each button takes the true answer of a
        moment ago, spoils it, and hands it to the same verifier.
      </p>
      <div class="buttons">
        {BUTTONS.map(({ kind, text }) => (
          <button
            key={kind}
            type="button"
            disabled={busy.value}
            onClick={() => run(kind)}
            data-trial={kind}
          >
            {text}
          </button>
        ))}
      </div>
      <div aria-live="polite">
        {failure.value !== null && <Notice bad>{failure.value}</Notice>}
        {view !== null && (
          <>
            <p>
              <b>{view.attack}</b>
            </p>
            <StepList steps={view.steps} />
            <div
              class={view.refused ? 'outcome good' : 'outcome'}
              data-outcome={view.refused ? 'refused' : 'accepted'}
            >
              {view.refused ? (
                <>
                  <b>Refused at “{view.steps.at(-1)?.step}”.</b> <code>{view.code}</code>
                </>
              ) : (
                <b>Accepted: this must never happen.</b>
              )}
            </div>
          </>
        )}
      </div>
    </Card>
  );
}

/** What the verifier did, step by step, with the step that refused. */
export function StepList({ steps }: { steps: readonly TrialStep[] }) {
  return (
    <ol class="steps">
      {steps.map(({ step, outcome, detail }, index) => (
        <li key={`${index}:${step}`} class={outcome}>
          <span aria-hidden="true">{outcome === 'passed' ? '✓' : '✕'}</span>
          <span>
            <span class="sr">{outcome}: </span>
            {step}
            {detail !== '' && <span class="soft"> — {detail}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
