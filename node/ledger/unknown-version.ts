/**
 * Why a node stops at the end of an epoch: the network goes on by rules that it does not know.
 */
import { NEWEST_VERSION } from 'fanal/chain/version.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** The refusal to execute, or sign, under a protocol version that this release does not know. */
export function unknownVersion(version: number): FanalError {
  return new FanalError(
    'safety/upgrade-required',
    `the network goes on with protocol version ${version}, and this release knows 1 to ${NEWEST_VERSION}`,
    {
      hint: 'Install a release that knows it and start the node again: it goes on from here. Nothing was signed under the new rules.',
    },
  );
}
