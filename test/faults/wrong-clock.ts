/**
 * Moves the wall clock of the process that loads it, as `FANAL_TEST_CLOCK_MILLIS` says. Timers stay
 * right, as they do on a machine whose clock is wrong.
 */
const offset = Number(process.env.FANAL_TEST_CLOCK_MILLIS ?? 0);
const RightDate = Date;

class WrongDate extends RightDate {
  constructor(...args: readonly unknown[]) {
    super(...((args.length === 0 ? [RightDate.now() + offset] : args) as [number]));
  }
  static override now(): number {
    return RightDate.now() + offset;
  }
}

globalThis.Date = WrongDate as DateConstructor;
