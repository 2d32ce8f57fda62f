/** The core that validators run, as the simulator makes it. */
import { createCore } from 'fanal-node/core/core.ts';
import type { CoreFactory } from './simulation.ts';

export const realCore: CoreFactory = (crypto, local) => createCore(local, crypto);
