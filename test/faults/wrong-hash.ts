/**
 * One leaf of the state map comes out wrong, once, in the process that loads this: what a bit that
 * tips over in memory does, or a program with an error. `FANAL_TEST_WRONG_AFTER_MILLIS` says when.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { MAP_LEAF_BYTES } from 'fanal/merkle/map-hasher.ts';

const from = performance.now() + Number(process.env.FANAL_TEST_WRONG_AFTER_MILLIS);
const right = crypto.hash;
let isDone = false;

// The ledger asks for the hash of a leaf as text of one character a byte.
crypto.hash = ((algorithm: string, data: Uint8Array, encoding: 'binary') => {
  const hash = right(algorithm, data, encoding);
  const isLeaf = data.length === MAP_LEAF_BYTES && data[0] === 0;
  if (isDone || performance.now() < from || !isLeaf) return hash;
  isDone = true;
  return `${String.fromCharCode(hash.charCodeAt(0) ^ 1)}${hash.slice(1)}`;
}) as typeof right;
syncBuiltinESMExports();
