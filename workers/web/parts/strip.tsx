/**
 * Blocks as they arrive, newest first, each behind a verified header.
 */
import { tips } from '../link.ts';
import { Time } from './marks.tsx';

export function BlockStrip() {
  if (tips.value.length === 0) return <p class="soft">Waiting for the first verified header …</p>;
  return (
    <ol class="strip" aria-label="newest blocks">
      {tips.value.map((tip) => (
        <li key={tip.height}>
          <a href={`#/block/${tip.height}`}>
            <b>{tip.height}</b>
            <span class={tip.transactionCount === 0 ? 'soft' : undefined}>
              {tip.transactionCount === 0
                ? 'empty'
                : `${tip.transactionCount} payment${tip.transactionCount === 1 ? '' : 's'}`}
            </span>
            <span class="soft">
              <Time millis={tip.timeMillis} />
            </span>
          </a>
        </li>
      ))}
    </ol>
  );
}
