/**
 * Small signs that stand everywhere: how sure a figure is, hashes, ages.
 */
import type { ComponentChildren } from 'preact';

/** A figure that this browser checked against a certified checkpoint. */
export const Proved = () => <span class="mark proved">◆ proved</span>;

/** A figure that a server said and nothing proves. */
export const Reported = () => <span class="mark reported">◌ reported</span>;

/** A hash, whole for machines and copying, its middle left out for eyes when `short`. */
export function Hash({ value, short = false }: { value: string; short?: boolean }) {
  return (
    <code class="hash" title={value}>
      {short && value.length > 20 ? `${value.slice(0, 8)}…${value.slice(-6)}` : value}
    </code>
  );
}

/** Local time of day, with the date in full on hover. */
export function Time({ millis }: { millis: number }) {
  const date = new Date(millis);
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {date.toLocaleTimeString(undefined, { hourCycle: 'h23' })}
    </time>
  );
}

export function Card({
  title,
  mark,
  children,
}: {
  title: string;
  mark?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {mark}
      </header>
      {children}
    </section>
  );
}

/** A message for the person at the page, read out when it appears. */
export function Notice({ bad = false, children }: { bad?: boolean; children: ComponentChildren }) {
  return (
    <div class={bad ? 'notice bad' : 'notice'} role={bad ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
