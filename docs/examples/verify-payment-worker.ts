/**
 * Verify payments in a Worker: GET /<transaction id> says whether a payment is in the chain.
 *
 * Set GENESIS_ID and GATEWAYS (URLs separated by spaces) as variables of the Worker.
 */
import { type Client, createClient, FanalError, fallback, fetchChain, http } from 'fanal';

interface Env {
  readonly GENESIS_ID: string;
  readonly GATEWAYS: string;
}

/** One client for each isolate: it keeps the trusted tip from request to request. */
let client: Promise<Client> | null = null;

async function open({ GENESIS_ID, GATEWAYS }: Env): Promise<Client> {
  const transport = fallback(GATEWAYS.split(' ').map((url) => http(url)));
  const chain = await fetchChain(GENESIS_ID, transport);
  return createClient({ chain, transport });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    client ??= open(env);
    try {
      const id = new URL(request.url).pathname.slice(1);
      const payment = await (await client).getTransaction({ id });
      return Response.json(
        payment === null ? { found: false } : { found: true, height: `${payment.height}` },
      );
    } catch (error) {
      client = null;
      const code = error instanceof FanalError ? error.code : 'internal';
      return Response.json({ error: code }, { status: 503 });
    }
  },
};
