/** Rules P2 and P4: how long a round waits for its leader. */
import { Pacing } from 'fanal-node/core/pacing.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import { describe, expect, it } from 'vitest';
import { DagBuilder } from './dag-builder.ts';

const { leaderTimeout, minRoundDelay } = DEFAULT_LOCAL_PARAMS;
const LONG_AGO = -1_000;

/** Round 5 is here but for its leader, author 1, since its quorum was: at time 5. */
function withoutLeader(): Pacing {
  const builder = new DagBuilder();
  const last = builder.layers(1, 4);
  builder.layer(5, last, [0, 2, 3]);
  return new Pacing(builder.dag, builder.votes, DEFAULT_LOCAL_PARAMS, builder.record.params);
}

describe('a round without the vertex of its leader', () => {
  it('waits for it', () => {
    const pacing = withoutLeader();
    expect(pacing.ready(6, LONG_AGO, 4, 6)).toEqual({ kind: 'at', at: 5 + leaderTimeout });
  });

  it('hardly waits when the leader’s connection is broken, and waits again once it is back', () => {
    const pacing = withoutLeader();
    pacing.setUp(1, false);
    expect(pacing.ready(6, LONG_AGO, 4, 6)).toEqual({ kind: 'at', at: 5 + minRoundDelay });
    expect(pacing.ready(6, LONG_AGO, 4, 5 + minRoundDelay)).toEqual({
      kind: 'now',
      reason: 'leaderTimeout',
    });
    pacing.setUp(1, true);
    expect(pacing.ready(6, LONG_AGO, 4, 6)).toEqual({ kind: 'at', at: 5 + leaderTimeout });
  });

  it('waits for it when somebody else’s connection is broken', () => {
    const pacing = withoutLeader();
    pacing.setUp(3, false);
    expect(pacing.ready(6, LONG_AGO, 4, 6)).toEqual({ kind: 'at', at: 5 + leaderTimeout });
  });
});
