/**
 * The gateway's entrypoints on Cloudflare Workers.
 */
export default {
  fetch(): Response {
    return new Response('fanal gateway\n');
  },
} satisfies ExportedHandler;
