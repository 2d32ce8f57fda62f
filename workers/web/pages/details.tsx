/**
 * One block, one payment, one address, all validators.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { tips } from '../link.ts';
import type { AddressView, BlockView, PaymentView, ValidatorView } from '../model.ts';
import { Climb } from '../parts/climb.tsx';
import { Load } from '../parts/load.tsx';
import { Card, Hash, Notice, Proved, Reported, Time } from '../parts/marks.tsx';
import { QrCode } from '../parts/qr.tsx';
import type { Place } from '../router.ts';

/** Rows drawn at once; more are behind a button, so that long lists stay smooth. */
const PAGE_ROWS = 100;

/** The page of one thing. */
export function DetailsPage({ place }: { place: Exclude<Place, { kind: 'home' }> }) {
  switch (place.kind) {
    case 'block':
      return <BlockPage height={place.height} />;
    case 'payment':
      return <PaymentPage id={place.id} />;
    case 'address':
      return <AddressPage key={place.address} address={place.address} />;
    case 'validators':
      return <ValidatorsPage />;
  }
}

const many = (count: string, what: string) => `${count} ${what}${count === '1' ? '' : 's'}`;

/** A button that shows more of a long list, when there is more. */
function More({ shown, all, onMore }: { shown: number; all: number; onMore: () => void }) {
  if (shown >= all) return null;
  return (
    <div class="buttons">
      <button type="button" data-action="more" onClick={onMore}>
        Show {Math.min(PAGE_ROWS, all - shown)} more of {all}
      </button>
    </div>
  );
}

/** A table that scrolls sideways by itself on narrow screens, with the keyboard, too. */
function Table({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="table" aria-label={name} tabIndex={0}>
      <table>{children}</table>
    </section>
  );
}

function BlockPage({ height }: { height: string }) {
  return (
    <Card title={`Block ${height}`} mark={<Proved />}>
      <Load name="block" question={{ height }}>
        {(block) =>
          block === null ? (
            <Notice>No such block has been certified yet.</Notice>
          ) : (
            <Block block={block} />
          )
        }
      </Load>
    </Card>
  );
}

function Block({ block }: { block: BlockView }) {
  const height = BigInt(block.height);
  const [rows, setRows] = useState(PAGE_ROWS);
  const count = block.transactions.length;
  return (
    <>
      <dl>
        <dt>Time</dt>
        <dd>
          <Time millis={block.timeMillis} />
        </dd>
        <dt>Epoch</dt>
        <dd>{block.epoch}</dd>
        <dt>Block id</dt>
        <dd>
          <Hash value={block.blockId} />
        </dd>
        <dt>Payments' root</dt>
        <dd>
          <Hash value={block.transactionRoot} />
        </dd>
        <dt>State root</dt>
        <dd>
          <Hash value={block.stateRoot} />
        </dd>
      </dl>
      <div class="buttons">
        {height > 0n && (
          <a class="button" href={`#/block/${height - 1n}`}>
            ← Block {`${height - 1n}`}
          </a>
        )}
        <a class="button" href={`#/block/${height + 1n}`}>
          Block {`${height + 1n}`} →
        </a>
      </div>
      <h3>
        {count === 0 ? 'No payments' : `${count} payment${count === 1 ? '' : 's'}, all of them`}
      </h3>
      <ul class="steps">
        {block.transactions.slice(0, rows).map((id) => (
          <li key={id}>
            <span aria-hidden="true">◆</span>
            <a href={`#/payment/${id}`}>
              <Hash value={id} />
            </a>
          </li>
        ))}
      </ul>
      <More shown={rows} all={count} onMore={() => setRows(rows + PAGE_ROWS)} />
    </>
  );
}

function PaymentPage({ id }: { id: string }) {
  return (
    <Card title="Payment" mark={<Proved />}>
      <Hash value={id} />
      <Load name="payment" question={{ id }}>
        {(payment) =>
          payment === null ? (
            <Notice>No such payment is certified. It may still be on its way.</Notice>
          ) : (
            <Payment payment={payment} />
          )
        }
      </Load>
    </Card>
  );
}

function Payment({ payment }: { payment: PaymentView }) {
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(payment.receipt)}`;
  return (
    <>
      <dl>
        <dt>Block</dt>
        <dd>
          <a href={`#/block/${payment.height}`}>{payment.height}</a>,{' '}
          <Time millis={payment.timeMillis} />
        </dd>
        {payment.note !== '' && (
          <>
            <dt>Note</dt>
            <dd>{payment.note}</dd>
          </>
        )}
        <dt>Inputs</dt>
        <dd>{payment.inputs}</dd>
      </dl>
      <Table name="outputs">
        <thead>
          <tr>
            <th>Paid to</th>
            <th class="num">Coins</th>
          </tr>
        </thead>
        <tbody>
          {payment.outputs.map(({ address, amount }, index) => (
            <tr key={`${index}:${address}`}>
              <td class="wrap">
                <a href={`#/address/${address}`}>
                  <Hash value={address} />
                </a>
              </td>
              <td class="num">{amount}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      <div class="buttons">
        <a class="button" href={file} download={`${payment.id.slice(0, 16)}.receipt`}>
          Save the receipt
        </a>
      </div>
      <Climb climb={payment.climb} />
    </>
  );
}

function AddressPage({ address }: { address: string }) {
  const [lines, setLines] = useState(PAGE_ROWS);
  // A long list stays as it is while it is read; a short one follows the chain.
  const refresh = lines > PAGE_ROWS ? `${lines}` : `${tips.value[0]?.height}`;
  return (
    <Card title="Address" mark={<Proved />}>
      <Load name="address" question={{ address, lines }} subject={address} refresh={refresh}>
        {(view) => <Address view={view} onMore={() => setLines(lines + PAGE_ROWS)} />}
      </Load>
    </Card>
  );
}

function Address({ view, onMore }: { view: AddressView; onMore: () => void }) {
  const { history, historySize } = view;
  return (
    <>
      <div class="row">
        <div class="grow">
          <Hash value={view.address} />
          <p class="amount">
            {view.balance} <span class="soft">coins</span>
          </p>
          <p class="soft">
            {view.used
              ? `At block ${view.height}: ${many(historySize, 'payment')} in its history, ${many(view.coinCount, 'unspent output')}.`
              : `Proved never used, at block ${view.height}.`}
          </p>
        </div>
        <QrCode text={view.address} />
      </div>
      {history.length > 0 && (
        <>
          <h3>History, proved complete</h3>
          <HistoryTable view={view} />
          <More shown={history.length} all={Number(historySize)} onMore={onMore} />
        </>
      )}
    </>
  );
}

function HistoryTable({ view }: { view: AddressView }) {
  return (
    <Table name="history">
      <thead>
        <tr>
          <th>Block</th>
          <th>Payment</th>
          <th class="num">Received</th>
          <th class="num">Spent</th>
        </tr>
      </thead>
      <tbody>
        {view.history.map((line) => (
          <tr key={`${line.height}:${line.id}`}>
            <td>
              <a href={`#/block/${line.height}`}>{line.height}</a>
            </td>
            <td>
              <a href={`#/payment/${line.id}`}>
                <Hash value={line.id} short />
              </a>
            </td>
            <td class="num">{line.received}</td>
            <td class="num">{line.spent}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function ValidatorsPage() {
  return (
    <Card title="Validators">
      <p>
        Names and stake are <Proved /> against the header; performance is <Reported /> by the
        server.
      </p>
      <Load name="validators" question={{}} refresh={String(tips.value[0]?.epoch ?? '')}>
        {(rows) => <ValidatorTable rows={rows} />}
      </Load>
    </Card>
  );
}

function ValidatorTable({ rows }: { rows: readonly ValidatorView[] }) {
  return (
    <Table name="validators">
      <thead>
        <tr>
          <th>Name</th>
          <th class="num">Stake, coins</th>
          <th class="num">Share</th>
          <th class="num">◌ Cosigned</th>
          <th class="num">◌ Rounds</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, PAGE_ROWS).map((row) => (
          <tr key={row.name}>
            <td>{row.name}</td>
            <td class="num">{row.stake}</td>
            <td class="num">{(row.share * 100).toFixed(2)} %</td>
            <td class="num">
              {row.cosigned === null ? '–' : `${(row.cosigned * 100).toFixed(1)} %`}
            </td>
            <td class="num">{row.rounds ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
