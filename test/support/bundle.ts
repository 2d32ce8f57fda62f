/**
 * What a bundler makes of an entry point, for tests and benchmarks of size.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

export interface Bundle {
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** The files that something of stayed in the bundle. */
  readonly inputs: readonly string[];
}

/** Bundles and minifies source text whose imports are resolved from the project's root. */
export async function bundle(source: string): Promise<Bundle> {
  const result = await build({
    stdin: { contents: source, resolveDir: join(ROOT, 'test'), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  const [output] = Object.values(result.metafile.outputs);
  if (file === undefined || output === undefined) throw new Error('the bundler wrote nothing');
  return {
    bytes: file.contents.length,
    gzippedBytes: gzipSync(file.contents, { level: 9 }).length,
    inputs: Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  };
}

/** Following and every proof: what a wallet needs to believe no server. */
export const VERIFIER = `
export {
  follow, updateCodec, trustStateCodec, trustedTip, trustedHeader, freshness, unverified,
  headerProofCodec, verifyHeaderProof, transactionProofCodec, verifyTransactionProof,
  addressProofCodec, verifyAddressProof, coinsPageCodec, takeCoinsPage, finishCoins, verifyCoins,
  historyPageCodec, verifyHistoryPage,
} from 'fanal/light';
`;
