/**
 * One block, one payment, one address, all validators.
 */
import { tips } from '../link.ts';
import type { AddressView, BlockView, PaymentView, ValidatorView } from '../model.ts';
import { Climb } from '../parts/climb.tsx';
import { Load } from '../parts/load.tsx';
import { Card, Hash, Notice, Proved, Reported, Time } from '../parts/marks.tsx';
import { QrCode } from '../parts/qr.tsx';

/** Rows drawn at once; the rest is behind a button, so that long lists stay smooth. */
const PAGE_ROWS = 100;

export function BlockPage({ height }: { height: string }) {
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
        {block.transactions.length === 0 ? 'No payments' : `${block.transactions.length} payments`}
      </h3>
      <ul class="steps">
        {block.transactions.slice(0, PAGE_ROWS * 10).map((id) => (
          <li key={id}>
            <span aria-hidden="true">◆</span>
            <a href={`#/payment/${id}`}>
              <Hash value={id} />
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

export function PaymentPage({ id }: { id: string }) {
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
        {payment.fee !== null && (
          <>
            <dt>Fee</dt>
            <dd>{payment.fee} coins</dd>
          </>
        )}
      </dl>
      <div class="table">
        <table>
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
        </table>
      </div>
      <div class="buttons">
        <a class="button" href={file} download={`${payment.id.slice(0, 16)}.receipt`}>
          Save the receipt
        </a>
      </div>
      <Climb climb={payment.climb} />
    </>
  );
}

export function AddressPage({ address }: { address: string }) {
  return (
    <Card title="Address" mark={<Proved />}>
      <Load name="address" question={{ address }} refresh={tips.value[0]?.height ?? ''}>
        {(view) => <Address view={view} />}
      </Load>
    </Card>
  );
}

function Address({ view }: { view: AddressView }) {
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
              ? `At block ${view.height}: ${view.coinCount} coins, ${view.historySize} entries of history.`
              : `Proved never used, at block ${view.height}.`}
          </p>
        </div>
        <QrCode text={view.address} />
      </div>
      {view.history.length > 0 && (
        <>
          <h3>History, proved complete</h3>
          <HistoryTable view={view} />
        </>
      )}
    </>
  );
}

function HistoryTable({ view }: { view: AddressView }) {
  return (
    <div class="table">
      <table>
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
      </table>
    </div>
  );
}

export function ValidatorsPage() {
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
    <div class="table">
      <table>
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
      </table>
    </div>
  );
}
