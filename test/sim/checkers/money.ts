/**
 * S11: coins are conserved, and none is spent twice.
 */
import {
  type ExecutedBlock,
  GENESIS_COIN_UNITS,
  GENESIS_COINS,
  readTransaction,
} from '../ledger.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Simulation } from '../simulation.ts';

const SUPPLY = BigInt(GENESIS_COINS) * GENESIS_COIN_UNITS;
/** Counting every coin is dear, so it is done once in so many blocks of a validator. */
const BLOCKS_BETWEEN_COUNTS = 50n;

export class MoneyChecker implements Observer {
  readonly #simulation: Simulation;
  readonly #spentBy = new Map<string, string>();
  #height = 0n;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  executed(node: SimNode, block: ExecutedBlock): void {
    if (node.ledger.wrong) return;
    if (block.header.height % BLOCKS_BETWEEN_COUNTS === 0n) this.#count(node);
    if (block.header.height <= this.#height) return;
    this.#height = block.header.height;
    // By the block's own transactions, not by the ledger that executed them.
    const executed = new Set(block.executed);
    if (executed.size !== block.executed.length) {
      throw new Violation('S11', `block ${block.header.height} executes a transaction twice`);
    }
    for (const bytes of block.input.transactions) {
      const transaction = readTransaction(bytes);
      if (transaction === null || !executed.has(transaction.key)) continue;
      for (const coin of transaction.spends) {
        const spender = this.#spentBy.get(coin);
        if (spender !== undefined && spender !== transaction.key) {
          throw new Violation('S11', `block ${block.header.height} spends a coin a second time`);
        }
        this.#spentBy.set(coin, transaction.key);
      }
    }
  }

  finished(): void {
    for (const machine of this.#simulation.machines)
      if (machine !== undefined) this.#count(machine);
  }

  #count(node: SimNode): void {
    const supply = node.ledger.supply();
    if (supply !== SUPPLY) {
      throw new Violation('S11', `validator ${node.validator} has ${supply} units, not ${SUPPLY}`);
    }
  }
}
