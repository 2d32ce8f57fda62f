/**
 * Vectors of following: a trust, an update, a clock, and what must come of it.
 */
import { type TrustState, trustStateCodec } from 'fanal/light/trust.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { type TestChain, testChain } from '../chain.ts';
import { signNatively } from '../native.ts';
import { type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

/** What following must give: a verdict and the new trust's size, or a refusal. */
type Expected = { readonly verdict: string; readonly size: bigint } | { readonly refused: string };

export function followVectors(): VectorFile {
  const chain = testChain({ sign: signNatively, people: ['alice'] }).grow(2);
  chain.endEpoch(chain.changedSet({ 'val-005': 2_000n }));
  chain.grow(2);
  chain.endEpoch(chain.changedSet({ 'val-001': 0n }));
  chain.endEpoch();
  chain.grow(3);
  const tip = chain.size;
  const genesis = chain.genesisTrust();
  const update = chain.update(1n);
  const now = chain.now();
  const fresh = { verdict: 'fresh', size: tip };
  const refused = (code: string): Expected => ({ refused: code });
  const cases: VectorCase[] = [];
  const add = (name: string, state: TrustState, to: Update, expected: Expected, clock = now) => {
    cases.push({
      name,
      trust: toHex(trustStateCodec.encode(state)),
      update: toHex(updateCodec.encode(to)),
      now: String(clock),
      ...('refused' in expected
        ? { refused: expected.refused }
        : { verdict: expected.verdict, size: String(expected.size) }),
    });
  };
  add('from genesis over three epochs', genesis, update, fresh);
  add('from the middle of an epoch', chain.trust(2n), chain.update(2n), fresh);
  add('from the end of an epoch', chain.trust(4n), chain.update(4n), fresh);
  add('nothing new', chain.trust(), chain.update(tip), fresh);
  add('to the last header of an epoch', genesis, chain.update(1n, 4n), {
    verdict: 'fresh',
    size: 4n,
  });
  add('a tip of 60 seconds', genesis, update, fresh, sure(chain) + 60_000n);
  add(
    'a tip one millisecond older',
    genesis,
    update,
    { verdict: 'stale', size: tip },
    sure(chain) + 60_001n,
  );
  followRefusals(chain, add, refused);
  forks(add);
  versions(add, refused);
  return vectorFile(
    'docs/protocol.md §8.2, §8.5, §9.2, §9.3',
    'Follow `update` from `trust` with the clock at `now` (ms). Either the verdict is `verdict` and the new trust is at `size`, or the update is refused. A forked verdict leaves the trust where it was.',
    cases,
  );
}

type Add = (
  name: string,
  state: TrustState,
  update: Update,
  expected: Expected,
  clock?: bigint,
) => void;

/** The time that all cosigners of the tip vouch for. */
function sure(chain: TestChain): bigint {
  return (chain.tip.time / 1_000n + 1n) * 1_000n;
}

function followRefusals(chain: TestChain, add: Add, refused: (code: string) => Expected): void {
  const genesis = chain.genesisTrust();
  const update = chain.update(1n);
  const late = chain.trust(9n);
  const [first, second, third] = update.handovers;
  const other = chain.changedSet({ 'val-009': 70_000n });
  add(
    'a trust past its period',
    late,
    chain.update(9n),
    refused('trust/expired'),
    late.sureAt + late.trustingPeriodMillis + 1n,
  );
  add(
    'a clock that is behind',
    late,
    chain.update(9n),
    refused('trust/clock'),
    late.sureAt - 60_001n,
  );
  add('another start', late, update, refused('update/start'));
  add(
    'a way back',
    late,
    { ...chain.update(8n, 8n), from: { size: 9n, root: chain.root(9n) } },
    refused('update/rollback'),
  );
  add(
    'a handover left out',
    genesis,
    { ...update, handovers: [first!, third!] },
    refused('handover/epoch'),
  );
  add(
    'a handover twice',
    genesis,
    { ...update, handovers: [first!, first!, second!, third!] },
    refused('update/order'),
  );
  add('no handovers', genesis, { ...update, handovers: [] }, refused('checkpoint/bad-cosignature'));
  add(
    'one set for two epochs, without the handover',
    chain.trust(6n),
    { ...chain.update(6n), handovers: [second!] },
    refused('update/epoch'),
  );
  add(
    'another next set',
    genesis,
    { ...update, handovers: [{ ...first!, nextValidators: other }, second!, third!] },
    refused('handover/next-validators'),
  );
  add(
    'a handover of another set',
    chain.trust(6n),
    {
      ...chain.update(6n),
      handovers: [
        { ...second!, header: { ...second!.header, validatorsHash: other.hash } },
        third!,
      ],
    },
    refused('handover/validators'),
  );
  const middle = {
    checkpoint: chain.checkpoint(3n),
    header: chain.header(2n),
    path: chain.headerProof(2n, 3n).path,
    nextValidators: other,
  };
  add(
    'a handover in the middle of an epoch',
    genesis,
    { ...update, handovers: [middle] },
    refused('handover/not-last'),
  );
  add(
    'a handover whose header is not the newest',
    genesis,
    { ...update, handovers: [{ ...first!, checkpoint: chain.checkpoint(3n) }, second!, third!] },
    refused('proof/not-the-tip'),
  );
  const thin = chain.update(1n, chain.size, { signers: ['val-002', 'val-003'] });
  add('too few cosigners', genesis, thin, refused('checkpoint/no-quorum'));
  const [cosignature, ...rest] = update.checkpoint.cosignatures;
  const forged = [{ ...cosignature!, time: cosignature!.time + 1n }, ...rest];
  add(
    'a forged cosignature',
    genesis,
    { ...update, checkpoint: { ...update.checkpoint, cosignatures: forged } },
    refused('checkpoint/bad-cosignature'),
  );
  add(
    'a header that is not the newest',
    genesis,
    { ...update, header: chain.header(3n) },
    refused('proof/not-the-tip'),
  );
  add(
    'a header with another state root',
    genesis,
    { ...update, header: { ...update.header, stateRoot: chain.root(2n) } },
    refused('proof/root-mismatch'),
  );
  add(
    'a consistency path of another size',
    genesis,
    { ...update, consistency: chain.update(2n).consistency },
    refused('proof/path-length'),
  );
  const from5 = chain.update(5n);
  add(
    'a consistency path with a changed hash',
    chain.trust(5n),
    { ...from5, consistency: [chain.root(), ...from5.consistency.slice(1)] },
    refused('proof/root-mismatch'),
  );
  add('a tip of tomorrow', genesis, update, refused('freshness/future'), chain.tip.time - 60_001n);
  lunatics(add, refused);
}

/** What only a faulty quorum could certify. */
function lunatics(add: Add, refused: (code: string) => Expected): void {
  const start = () => testChain({ sign: signNatively, people: ['alice'] }).grow(2);
  const wrongSet = start();
  wrongSet.block({ forge: { validatorsHash: wrongSet.root(1n) } });
  add(
    'a certified header of another set',
    wrongSet.genesisTrust(),
    wrongSet.update(1n),
    refused('update/validators'),
    wrongSet.now(),
  );
  const wrongTime = start();
  const trust = wrongTime.trust();
  wrongTime.block({ time: wrongTime.tip.time - 1n });
  add(
    'a certified header before its parent',
    trust,
    wrongTime.update(3n),
    refused('update/time'),
    wrongTime.now(),
  );
  const elsewhere = { ...wrongTime.genesisTrust(), root: wrongTime.root(2n) };
  add(
    'a log that does not begin with the trusted genesis',
    elsewhere,
    start().update(1n),
    refused('update/another-genesis'),
    wrongTime.now(),
  );
}

/** Epochs under later versions of the protocol, §8.5. */
function versions(add: Add, refused: (code: string) => Expected): void {
  const chain = testChain({ sign: signNatively, people: ['alice'] }).grow(2);
  chain.endEpoch();
  const before = chain.trust();
  chain.block({ forge: { version: 2 } });
  const known = { verdict: 'fresh', size: chain.size };
  add('over a change to version 2', chain.genesisTrust(), chain.update(1n), known, chain.now());
  chain.block({ forge: { version: 3 } });
  const unknown = chain.update(before.header.height + 1n);
  add('to a version that is not known', before, unknown, refused('decode/version'), chain.now());
}

function forks(add: Add): void {
  const branch = (skew: bigint) => {
    const chain = testChain({ sign: signNatively, people: ['alice'] }).grow(3);
    for (let i = 0; i < 4; i++) chain.block({ time: chain.tip.time + 500n + skew });
    return chain;
  };
  const [a, b] = [branch(0n), branch(1n)];
  const forked = (size: bigint): Expected => ({ verdict: 'forked', size });
  add('a fork at one size', a.trust(5n), b.update(5n, 5n), forked(5n), b.now());
  add('a fork at a later size', a.trust(5n), b.update(5n), forked(5n), b.now());
  add('a fork from a size that is a power of two', a.trust(8n), b.update(8n), forked(8n), b.now());
  add(
    'a root that was only claimed is no fork',
    a.trust(5n),
    { ...a.update(5n), from: { size: 5n, root: b.root(5n) } },
    { refused: 'proof/root-mismatch' },
    a.now(),
  );
}
