/**
 * A receipt dropped on the page, checked here and now; nothing is uploaded.
 */
import { signal } from '@preact/signals';
import { ask } from '../link.ts';
import type { ReceiptView } from '../model.ts';
import { Card, Notice } from './marks.tsx';
import { StepList } from './trials.tsx';

/** A receipt is a few kilobytes; anything much larger is something else. */
const MOST_BYTES = 65_536;

const over = signal(false);
const result = signal<ReceiptView | null>(null);
const problem = signal<string | null>(null);

async function check(file: File | undefined): Promise<void> {
  over.value = false;
  if (file === undefined) return;
  problem.value = null;
  result.value = null;
  if (file.size > MOST_BYTES) {
    problem.value = `${file.name} has ${file.size} bytes: a receipt has at most ${MOST_BYTES}.`;
    return;
  }
  try {
    result.value = await ask('receipt', { text: await file.text() });
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  }
}

export function ReceiptCard() {
  const view = result.value;
  return (
    <Card title="Check a receipt">
      <label
        class={over.value ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          void check(event.dataTransfer?.files[0]);
        }}
      >
        <span>Drop a receipt file here. It is checked in this browser and sent nowhere.</span>
        <span class="button">Choose a file</span>
        <input
          id="receipt"
          class="sr"
          type="file"
          onChange={(event) => void check(event.currentTarget.files?.[0])}
        />
      </label>
      <div aria-live="polite">
        {problem.value !== null && <Notice bad>{problem.value}</Notice>}
        {view !== null && (
          <>
            <StepList steps={view.steps} />
            <div
              class={view.ok ? 'outcome good' : 'outcome'}
              data-receipt={view.ok ? 'true' : 'refused'}
            >
              {view.ok && view.payment !== null ? (
                <>
                  <b>True.</b> This payment is in block{' '}
                  <a href={`#/block/${view.payment.height}`}>{view.payment.height}</a>, since{' '}
                  {new Date(view.payment.timeMillis).toLocaleString()}.
                </>
              ) : (
                <b>Refused at “{view.steps.at(-1)?.step}”.</b>
              )}
            </div>
          </>
        )}
      </div>
    </Card>
  );
}
