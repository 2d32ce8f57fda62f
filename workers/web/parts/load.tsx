/**
 * Asks the worker for one thing and shows it, or why it could not be had.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, RefusedError, tips } from '../link.ts';
import type { RequestName, Requests } from '../model.ts';
import { Notice } from './marks.tsx';

type State<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: Error };

export function Load<Name extends RequestName>({
  name,
  question,
  subject,
  refresh,
  children,
}: {
  name: Name;
  question: Requests[Name]['ask'];
  /** What it is about: until this changes, the last answer stays in sight. The question by default. */
  subject?: string;
  /** Asks again when this changes. */
  refresh?: string;
  children: (value: Requests[Name]['answer']) => ComponentChildren;
}) {
  const [state, setState] = useState<State<Requests[Name]['answer']>>({ kind: 'loading' });
  const key = JSON.stringify(question);
  // What is not there yet may come with the next block.
  const isMissing = state.kind === 'failed' || (state.kind === 'ready' && state.value === null);
  const height = isMissing ? tips.value[0]?.height : undefined;
  useEffect(() => setState({ kind: 'loading' }), [name, subject ?? key]);
  useEffect(() => {
    let live = true;
    ask(name, JSON.parse(key))
      .then((value) => live && setState({ kind: 'ready', value }))
      .catch((error: Error) => live && setState({ kind: 'failed', error }));
    return () => {
      live = false;
    };
  }, [name, key, refresh, height]);

  switch (state.kind) {
    case 'loading':
      return <p class="soft">Fetching and checking …</p>;
    case 'failed':
      return (
        <Notice bad>
          <b>Not shown:</b> {state.error.message}
          {state.error instanceof RefusedError && (
            <>
              {' '}
              <code>{state.error.code}</code> {state.error.hint}
            </>
          )}
        </Notice>
      );
    case 'ready':
      return <>{children(state.value)}</>;
  }
}
