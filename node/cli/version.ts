/**
 * Which release this is.
 */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

export const VERSION: string = manifest.version;
/** What the node calls itself to its peers. */
export const SOFTWARE = `fanal/${VERSION}`;
