/**
 * Makes a Byzantine validator of the kind that the plan wants.
 */
import type { ByzantineValidator } from '../plan.ts';
import type { Endpoint, Simulation } from '../simulation.ts';
import * as equivocation from './equivocation.ts';
import type { ByzantineKind } from './kinds.ts';
import * as malformed from './malformed.ts';
import * as noise from './noise.ts';
import { type Behaviour, Puppet } from './puppet.ts';
import { Twins } from './twins.ts';
import * as votes from './votes.ts';

export function makeByzantine(
  { validator, kind }: ByzantineValidator,
  simulation: Simulation,
): Endpoint {
  if (kind === 'amnesiacTwin') return new Twins(validator, simulation);
  if (kind === 'collude') holdBackLeaders(simulation);
  return new Puppet(validator, simulation, behaviourOf(kind, simulation));
}

/** The behaviour of a kind; `amnesiacTwin` is no puppet but two real machines. */
function behaviourOf(
  kind: Exclude<ByzantineKind, 'amnesiacTwin'>,
  simulation: Simulation,
): Behaviour {
  switch (kind) {
    case 'silent':
      return { propose() {}, cosign() {}, answer: () => null };
    case 'slow':
      return { delayMicros: 300_000 + (simulation.plan.seed % 27) * 100_000 };
    case 'equivocateHalves':
      return equivocation.equivocateHalves();
    case 'equivocatePerPeer':
      return equivocation.equivocatePerPeer();
    case 'equivocateChains':
      return equivocation.equivocateChains();
    case 'equivocateOpenly':
      return equivocation.equivocateOpenly();
    case 'withholdFromQuorum':
      return equivocation.withhold((puppet) => puppet.faultyCount, true);
    case 'withholdFromMost':
      return equivocation.withhold((puppet) => puppet.faultyCount + 1, false);
    case 'releaseLate':
      return equivocation.releaseLate();
    case 'wrongPayload':
      return malformed.wrongPayload();
    case 'neverVote':
    case 'collude':
      return votes.neverVote();
    case 'voteThenHide':
      return votes.voteThenHide();
    case 'ghostAncestors':
      return malformed.ghostAncestors();
    case 'oldAncestors':
      return malformed.oldAncestors();
    case 'malformedAncestors':
      return malformed.malformedAncestors();
    case 'lieInSlim':
      return malformed.lieInSlim();
    case 'farRounds':
      return malformed.farRounds();
    case 'driftTimes':
      return malformed.driftTimes();
    case 'wrongMedian':
      return malformed.wrongMedian();
    case 'badSignatures':
      return malformed.badSignatures();
    case 'oversize':
      return malformed.oversize();
    case 'lyingSync':
      return noise.lyingSync();
    case 'falseCommitVotes':
      return votes.falseCommitVotes();
    case 'doubleCosign':
      return votes.doubleCosign();
    case 'badCosign':
      return votes.badCosign();
    case 'neverCosign':
      return votes.neverCosign();
    case 'replayEpochs':
      return noise.replayEpochs();
    case 'spam':
      return noise.spam();
    case 'flood':
      return noise.flood();
  }
}

/** The scheduler's part of a collusion: an honest leader's vertex is late for half the validators. */
function holdBackLeaders(simulation: Simulation): void {
  simulation.network.schedule(({ from, to, message }) => {
    if (message.kind !== 'message' || message.message.kind !== 'vertices') return 0;
    const own = message.message.vertices.at(-1);
    if (own === undefined || own.header.epoch !== simulation.oracle.epoch) return 0;
    if (simulation.oracle.leadingValidator(own.ref.round) !== from) return 0;
    return (to + own.ref.round) % 2 === 0 ? 250_000 : 0;
  });
}
