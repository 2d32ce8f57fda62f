/**
 * The HTTP surface as one page for people: plain HTML from the route table, no script at all.
 */
import type { AddressPrefix } from '../crypto/address.ts';
import { cacheControl } from './cache.ts';
import { describe } from './openapi.ts';
import { PARAMETERS, type ParameterName } from './parameters.ts';
import { PROBLEMS } from './problem.ts';
import { ROUTES, type RouteDefinition } from './routes.ts';

/** Nothing but the page's own style, by its hash-free inline block. */
export const REFERENCE_CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 0.75rem 0; }
h2 { font-size: 1rem; margin: 0; } h2 b { display: inline-block; min-width: 3.2rem; }
p { margin: 0.25rem 0; } dl { margin: 0.25rem 0 0 1rem; display: grid; gap: 0 1rem; grid-template-columns: max-content 1fr; }
dd { margin: 0; } .proved::before { content: "● "; } .reported::before { content: "○ "; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.15rem 1rem 0.15rem 0; vertical-align: top; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dd { margin-left: 1rem; } }
`;

/** The page. It needs nothing else: neither a script nor a second file. */
export function referencePage(prefix: AddressPrefix, version: string): string {
  const sections = Object.entries(ROUTES).map(([name, route]) => section(name, route));
  const problems = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) =>
      `<tr><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(title)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fanal HTTP reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head>
<body><main><h1>Fanal HTTP reference</h1>
<p>Version ${escapeHtml(version)}, addresses begin with <code>${prefix}1</code>. The same as
<a href="openapi.json">OpenAPI</a>. Amounts and 64-bit integers are decimal strings, bytes are
lower-case hex. <span class="proved">proved</span> answers can be checked against a certified
checkpoint; <span class="reported">reported</span> ones are the server's word.</p>
${sections.join('\n')}
<section><h2>Problems</h2><p>Refusals are <code>application/problem+json</code> with one of these
codes.</p><table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead>
<tbody>${problems.join('')}</tbody></table></section>
</main></body></html>
`;
}

function section(name: string, route: RouteDefinition): string {
  const inPath = [...route.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] as string);
  const parameters = [...inPath, ...route.query]
    .map((parameter) => {
      const { expected } = PARAMETERS[parameter as ParameterName];
      return `<dt><code>${parameter}</code></dt><dd>${escapeHtml(expected)}</dd>`;
    })
    .join('');
  return `<section id="${name}"><h2><b>${route.method}</b> <code>${escapeHtml(route.path)}</code></h2>
<p class="${route.trust}">${escapeHtml(route.summary)}. ${escapeHtml(describe(route)).replace(/`([^`]+)`/g, '<code>$1</code>')}</p>
<p>Cache: <code>${cacheControl(route.cache)}</code>${
    route.sizedCache === null
      ? ''
      : `; with <code>at</code> <code>${cacheControl(route.sizedCache)}</code>`
  }</p>${parameters === '' ? '' : `<dl>${parameters}</dl>`}</section>`;
}

function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
