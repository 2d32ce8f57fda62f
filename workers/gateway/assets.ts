/**
 * The page's files, for runtimes that do not serve assets by themselves.
 */
import { cacheControl } from 'fanal/api/cache.ts';

/** Gives a file's bytes by its path below the page's directory, or null. */
export type ReadAsset = (path: string) => Promise<Uint8Array | null>;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  webmanifest: 'application/manifest+json',
  txt: 'text/plain; charset=utf-8',
};

const PATH = /^(?:[a-z0-9-]+\/)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.([a-z0-9]+)$/;

/** The page talks to gateways, its own or others, and runs nothing but its own files. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; worker-src 'self'; " +
  "connect-src 'self' https: http: wss: ws:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The file that a target asks for; null when it is not a file's. */
export function assetPath(target: string): string | null {
  if (target === '/') return 'index.html';
  const path = target.slice(1);
  const extension = PATH.exec(path)?.[1];
  if (extension === undefined || TYPES[extension] === undefined) return null;
  return path.startsWith('v1/') || path.startsWith('tile/') ? null : path;
}

/** Answers with a file of the page; null when there is none of that name. */
export async function assetAnswer(
  request: Request,
  target: string,
  read: ReadAsset,
): Promise<Response | null> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return null;
  const path = assetPath(target);
  const bytes = path === null ? null : await read(path);
  if (path === null || bytes === null) return null;
  const extension = path.slice(path.lastIndexOf('.') + 1);
  // Built files carry a hash of what is in them; only the page itself keeps its name.
  const isHashed = path.startsWith('assets/');
  return new Response(request.method === 'HEAD' ? null : (bytes as Uint8Array<ArrayBuffer>), {
    headers: {
      'content-type': TYPES[extension] as string,
      'cache-control': isHashed ? cacheControl('immutable') : 'no-cache',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  });
}
