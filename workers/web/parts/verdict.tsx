/**
 * How sure this browser is, as a pill at the top, and as a notice when something is wrong.
 */
import { ask, type Recovery, recovery, silent, verdict } from '../link.ts';
import type { Verdict } from '../model.ts';
import { Notice, Reported } from './marks.tsx';

const WORDS: {
  readonly [Kind in Verdict['kind']]: (verdict: Extract<Verdict, { kind: Kind }>) => string;
} = {
  syncing: ({ note }) => `… syncing: ${note}`,
  fresh: ({ ageSeconds }) =>
    `✓ verified, ${ageSeconds < 2 ? 'just now' : `${Math.round(ageSeconds)} s old`}`,
  stale: ({ sinceMillis }) => `△ stale since ${clock(sinceMillis)}`,
  offline: () => '○ offline',
  forked: () => '✕ fork proved',
  refused: ({ step }) => `✕ refused: ${step}`,
};

const clock = (millis: number): string =>
  new Date(millis).toLocaleTimeString(undefined, { hourCycle: 'h23' });

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

/** Says what happened and what it means: whenever the tip is not fresh, and when it is again. */
export function VerdictNotice() {
  const value = verdict.value;
  switch (value.kind) {
    case 'syncing':
      return null;
    case 'fresh':
      return (
        <>
          {recovery.value !== null && <Recovered value={recovery.value} />}
          {silent.value.length > 0 && <Silent names={silent.value} />}
        </>
      );
    case 'stale':
      return (
        <Notice>
          <b>Nothing new has been certified.</b> What you see was true at {clock(value.sinceMillis)}
          . Either the network has paused, or this server withholds news. Your browser keeps asking.
        </Notice>
      );
    case 'offline':
      return (
        <Notice>
          <b>The server does not answer</b> ({value.reason}).{' '}
          {value.sinceMillis !== null &&
            `What is shown was proved at ${clock(value.sinceMillis)} and stays proved. `}
          Your browser keeps trying.
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
          <b>Your browser refused an answer.</b> At step <i>{value.step}</i>:{' '}
          {value.reason.replace(`${value.step}: `, '')}. Nothing of it is shown.{' '}
          {value.hint ?? 'If it persists, use another server.'}
          {value.code === 'page/another-chain' && <ForgetChain />}
        </Notice>
      );
  }
}

const WAS: { readonly [From in Recovery['from']]: string } = {
  offline: 'The server did not answer',
  stale: 'Nothing new was certified',
  refused: 'Your browser refused what the server sent',
};

function Recovered({ value: { from, seconds, blocks } }: { value: Recovery }) {
  return (
    <Notice>
      <b>✓ All is well again.</b> {WAS[from]} for {Math.max(1, Math.round(seconds))} s.{' '}
      {blocks > 0
        ? `Your browser has checked the ${blocks} block${blocks === 1 ? '' : 's'} made since.`
        : 'No block was missed.'}
    </Notice>
  );
}

function Silent({ names }: { names: readonly string[] }) {
  return (
    <Notice>
      <b>
        {names.join(', ')} {names.length === 1 ? 'does' : 'do'} not sign at the moment
      </b>{' '}
      <Reported /> The others are more than two thirds, so the chain goes on.
    </Notice>
  );
}

/** Begins anew with this server's chain, when the person at the page says so. */
export function ForgetChain() {
  return (
    <p>
      <button
        type="button"
        data-action="forget"
        onClick={() => {
          void ask('forget', {}).then(() => window.location.reload());
        }}
      >
        Forget the old chain
      </button>
    </p>
  );
}
