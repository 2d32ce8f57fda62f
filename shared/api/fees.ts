/**
 * What a transaction costs, as JSON.
 */
import { object, u64, type ValueOf } from './shape.ts';

/** `/v1/fees`: in units. */
export const feesShape = object({
  /** The chain's minimum for each byte. */
  minFeePerByte: u64,
  /** What gets in now. */
  feePerByte: u64,
  dust: u64,
});
export type FeesReport = ValueOf<typeof feesShape>;
