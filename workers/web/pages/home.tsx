/**
 * The front page: in ten seconds, what it means that your browser checks this chain.
 */
import { climb } from '../link.ts';
import type { ChainView } from '../model.ts';
import { Climb } from '../parts/climb.tsx';
import { Card, Proved } from '../parts/marks.tsx';
import { QuorumBar } from '../parts/quorum.tsx';
import { ReceiptCard } from '../parts/receipt.tsx';
import { BlockStrip } from '../parts/strip.tsx';
import { Trials } from '../parts/trials.tsx';
import { VerdictPill } from '../parts/verdict.tsx';
import { WalletCard } from '../parts/wallet.tsx';

export function Home({ chain }: { chain: ChainView | null }) {
  return (
    <>
      <div class="hero">
        <h1>Your browser checks this chain.</h1>
        <p>
          The server that sent this page cannot lie to you about a payment: your browser checks the
          validators' signatures and every proof itself, here, now.
        </p>
        <VerdictPill />
      </div>
      <Card title="Blocks arriving" mark={<Proved />}>
        <BlockStrip />
      </Card>
      <Card title="Signatures, checked here">
        <QuorumBar />
      </Card>
      {climb.value !== null && (
        <Card title="A payment climbs to the header" mark={<Proved />}>
          <Climb climb={climb.value} />
        </Card>
      )}
      <Trials />
      <div class="two">
        <WalletCard faucet={chain?.faucet ?? false} />
        <ReceiptCard />
      </div>
    </>
  );
}
