/**
 * The bar that fills with every signature this browser has really checked.
 */
import { signatures } from '../link.ts';

const WORD = {
  waiting: 'not checked yet',
  checked: 'checked',
  refused: 'refused',
  spare: 'not needed',
} as const;

export function QuorumBar() {
  const view = signatures.value;
  if (view === null) return <p class="soft">Waiting for a checkpoint …</p>;
  const percent = (view.checkedShare * 100).toFixed(1);
  const count = view.signatures.filter(({ state }) => state === 'checked').length;
  return (
    <div>
      <div class="quorum-wrap">
        <meter
          class="sr"
          min={0}
          max={100}
          value={Number(percent)}
          aria-label="stake whose signatures were checked"
        >
          {percent} percent; more than 66.7 percent is needed
        </meter>
        <div class="quorum" aria-hidden="true">
          {view.signatures.map(({ name, share, state }) => (
            <span
              key={name}
              class={state}
              style={{ width: `${share * 100}%` }}
              title={`${name}: ${WORD[state]}`}
            >
              {name}
            </span>
          ))}
        </div>
        <div class="two-thirds" aria-hidden="true">
          <span>two thirds</span>
        </div>
      </div>
      <p>
        Checkpoint of block <b>{view.height}</b>: {count} signature{count === 1 ? '' : 's'} checked
        here, <b>{percent} %</b> of the stake.{' '}
        {view.certified ? (
          <b>✓ more than two thirds: certified.</b>
        ) : (
          <span class="soft">more than two thirds are needed.</span>
        )}
      </p>
    </div>
  );
}
