/**
 * What happens next: events by virtual time, in microseconds, equal times in the order they came.
 *
 * A timing wheel of short slots: pushing costs a push, and only the slot whose turn it is gets
 * sorted. What lies beyond the wheel waits in a heap. A million packets are in flight at a
 * thousand validators.
 */

/** Virtual time in whole microseconds since the run began. */
export type Micros = number;

interface Entry<T> {
  readonly at: Micros;
  readonly order: number;
  readonly item: T;
}

const SLOT_MICROS = 64;
const SLOTS = 32_768;

export class EventQueue<T> {
  /** One list a slot; the current one is sorted latest first, so that `pop` takes its end. */
  readonly #wheel: Entry<T>[][] = Array.from({ length: SLOTS }, () => []);
  readonly #far: Entry<T>[] = [];
  #tick = 0;
  #order = 0;
  #size = 0;
  #now: Micros = 0;

  get size(): number {
    return this.#size;
  }

  /** The time of the last event taken. */
  get now(): Micros {
    return this.#now;
  }

  /** Adds an event. A time that has passed means now. */
  push(at: Micros, item: T): void {
    const due = Math.max(this.#now, Math.round(at));
    const entry = { at: due, order: this.#order++, item };
    this.#size++;
    const tick = Math.floor(due / SLOT_MICROS);
    if (tick >= this.#tick + SLOTS) {
      pushHeap(this.#far, entry);
    } else if (tick <= this.#tick) {
      insertSorted(this.#current(), entry);
    } else {
      (this.#wheel[tick % SLOTS] as Entry<T>[]).push(entry);
    }
  }

  /** Takes the next event and moves the clock to it; undefined when there is none. */
  pop(): T | undefined {
    if (!this.#advance()) return undefined;
    const entry = this.#current().pop() as Entry<T>;
    this.#size--;
    this.#now = entry.at;
    return entry.item;
  }

  /** When the next event is due; undefined when there is none. */
  nextAt(): Micros | undefined {
    return this.#advance() ? (this.#current().at(-1) as Entry<T>).at : undefined;
  }

  /** Moves the wheel to the next slot that holds something; false when all are empty. */
  #advance(): boolean {
    if (this.#size === 0) return false;
    if (this.#current().length > 0) return true;
    while (this.#current().length === 0) {
      this.#tick++;
      while (this.#far.length > 0) {
        const first = this.#far[0] as Entry<T>;
        if (Math.floor(first.at / SLOT_MICROS) >= this.#tick + SLOTS) break;
        popHeap(this.#far);
        (this.#wheel[Math.floor(first.at / SLOT_MICROS) % SLOTS] as Entry<T>[]).push(first);
      }
    }
    this.#current().sort((a, b) => -compare(a, b));
    return true;
  }

  #current(): Entry<T>[] {
    return this.#wheel[this.#tick % SLOTS] as Entry<T>[];
  }
}

function compare<T>(a: Entry<T>, b: Entry<T>): number {
  return a.at - b.at || a.order - b.order;
}

/** Keeps a list sorted latest first. */
function insertSorted<T>(list: Entry<T>[], entry: Entry<T>): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle] as Entry<T>, entry) > 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, entry);
}

function pushHeap<T>(heap: Entry<T>[], entry: Entry<T>): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (compare(heap[parent] as Entry<T>, entry) <= 0) break;
    heap[at] = heap[parent] as Entry<T>;
    at = parent;
  }
  heap[at] = entry;
}

function popHeap<T>(heap: Entry<T>[]): void {
  const last = heap.pop() as Entry<T>;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (
      child + 1 < heap.length &&
      compare(heap[child + 1] as Entry<T>, heap[child] as Entry<T>) < 0
    ) {
      child++;
    }
    if (compare(heap[child] as Entry<T>, last) >= 0) break;
    heap[at] = heap[child] as Entry<T>;
    at = child;
  }
  heap[at] = last;
}
