/**
 * How sure this browser is, as a pill at the top, and as a notice when something is wrong.
 */
import { verdict } from '../link.ts';
import type { Verdict } from '../model.ts';
import { Notice } from './marks.tsx';

const WORDS: {
  readonly [Kind in Verdict['kind']]: (verdict: Extract<Verdict, { kind: Kind }>) => string;
} = {
  syncing: ({ note }) => `… syncing: ${note}`,
  fresh: ({ ageSeconds }) =>
    `✓ verified, ${ageSeconds < 2 ? 'just now' : `${Math.round(ageSeconds)} s old`}`,
  stale: ({ sinceMillis }) => `△ stale since ${new Date(sinceMillis).toLocaleTimeString()}`,
  offline: () => '○ offline',
  forked: () => '✕ fork proved',
  refused: ({ step }) => `✕ refused: ${step}`,
};

function words(value: Verdict): string {
  return (WORDS[value.kind] as (verdict: Verdict) => string)(value);
}

export function VerdictPill() {
  return (
    <span class={`verdict ${verdict.value.kind}`} role="status" data-verdict={verdict.value.kind}>
      {words(verdict.value)}
    </span>
  );
}

/** Says what happened and what it means, whenever the tip is not fresh. */
export function VerdictNotice() {
  const value = verdict.value;
  switch (value.kind) {
    case 'fresh':
    case 'syncing':
      return null;
    case 'stale':
      return (
        <Notice>
          <b>Nothing new has been certified.</b> What you see was true at{' '}
          {new Date(value.sinceMillis).toLocaleTimeString()}. Either the network has paused, or this
          server withholds news. Your browser keeps asking.
        </Notice>
      );
    case 'offline':
      return (
        <Notice>
          <b>The server does not answer</b> ({value.reason}). What is shown was proved at{' '}
          {new Date(value.sinceMillis).toLocaleTimeString()} and stays proved. Trying again by
          itself.
        </Notice>
      );
    case 'forked':
      return (
        <Notice bad>
          <b>The validators signed two histories.</b> Your browser holds the proof and has stopped.{' '}
          <a
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(value.evidence)}`}
            download="fork.evidence"
          >
            Save the evidence file
          </a>{' '}
          and accept no payment until the operators explain.
        </Notice>
      );
    case 'refused':
      return (
        <Notice bad>
          <b>Your browser refused an answer.</b> At step <i>{value.step}</i>: {value.reason}.
          Nothing of it is shown. If it persists, use another server.
        </Notice>
      );
  }
}
