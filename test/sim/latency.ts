/**
 * How far validators are from one another: measured round trips between ten cloud regions.
 *
 * Source: IBM Cloud's published inter-region latency, averages of 20 December 2025 to 18 January
 * 2026, milliseconds there and back
 * (github.com/ibm-cloud-docs/vpc, `_include-segments/network-latency.md`, commit be2d5d2e). The
 * same table gives 0.1 to 2 ms between zones of one region.
 */
export const REGIONS = [
  'Dallas',
  'Toronto',
  'Washington DC',
  'Frankfurt',
  'London',
  'Madrid',
  'Osaka',
  'Sydney',
  'Tokyo',
  'Sao Paulo',
] as const;

/** A place in `REGIONS`. */
export type Region = number;

/** Round trip of two validators in one region: two of its zones, the slower half of the table. */
const SAME_REGION_MILLIS = 1.5;

const ROUND_TRIP_MILLIS: readonly (readonly number[])[] = [
  [0, 34, 31, 122, 113, 120, 151, 185, 142, 144],
  [33, 0, 19, 92, 82, 107, 142, 215, 135, 134],
  [31, 19, 0, 89, 76, 86, 146, 215, 139, 127],
  [123, 93, 88, 0, 13, 29, 242, 248, 235, 205],
  [113, 82, 76, 13, 0, 25, 254, 260, 245, 195],
  [116, 107, 88, 30, 26, 0, 265, 275, 262, 211],
  [150, 142, 147, 241, 253, 269, 0, 122, 9, 291],
  [184, 211, 213, 248, 260, 274, 122, 0, 115, 328],
  [142, 135, 139, 235, 246, 263, 9, 118, 0, 283],
  [143, 138, 128, 204, 194, 213, 290, 326, 283, 0],
];

/** One way from region to region, in microseconds: half the measured round trip. */
export function oneWayMicros(from: Region, to: Region): number {
  const roundTrip =
    from === to ? SAME_REGION_MILLIS : (ROUND_TRIP_MILLIS[from]?.[to] ?? SAME_REGION_MILLIS);
  return roundTrip * 500;
}

/** Spreads validators over the regions, one after the other. Four stay in the Americas and Frankfurt. */
export function regionOf(validator: number, validators: number): Region {
  return validators <= 4 ? validator % 4 : validator % REGIONS.length;
}
