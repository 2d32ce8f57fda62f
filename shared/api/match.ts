/**
 * From a request line to a route with its parameters, and back.
 *
 * The canonical target of a match depends on the route and its parameters alone, so it serves as the
 * key of every cache: two spellings of one request either give one key or are refused.
 */
import { MAX_URL_BYTES } from '../chain/limits.ts';
import { toHex } from '../primitives/bytes.ts';
import { PARAMETERS, type ParameterName } from './parameters.ts';
import { invalidRequest, Problem } from './problem.ts';
import { ROUTES, type RouteDefinition, type RouteName, type RouteParameters } from './routes.ts';

/** A request that has passed every rule about its method, path and query. */
export type Match = { [Name in RouteName]: RouteMatch<Name> }[RouteName];

/** A request for one route. */
export interface RouteMatch<Name extends RouteName> {
  readonly name: Name;
  readonly parameters: RouteParameters<Name>;
  /** Path and query in their one canonical spelling. */
  readonly target: string;
}

interface Pattern {
  readonly name: RouteName;
  readonly route: RouteDefinition;
  readonly segments: readonly string[];
}

const PATTERNS: readonly Pattern[] = Object.entries(ROUTES).map(([name, route]) => ({
  name: name as RouteName,
  route,
  segments: route.path.slice(1).split('/'),
}));

/**
 * Finds the route of a request and reads its parameters.
 *
 * @param target path and query, as on the request line
 * @throws {Problem} `not-found`, `method-not-allowed`, `invalid-request` or `payload-too-large`
 */
export function matchRoute(method: string, target: string): Match {
  if (target.length > MAX_URL_BYTES) throw new Problem('payload-too-large');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark + 1);
  const segments = path.slice(1).split('/');
  const found = path.startsWith('/') ? PATTERNS.filter((one) => fits(one.segments, segments)) : [];
  // A literal segment goes before a parameter: `/v1/addresses/query` is no address.
  found.sort((a, b) => parameterCount(a.segments) - parameterCount(b.segments));
  if (found.length === 0) throw new Problem('not-found', { reason: 'no such path' });
  const wanted = method === 'HEAD' ? 'GET' : method;
  const pattern = found.find((one) => one.route.method === wanted);
  if (pattern === undefined) throw new Problem('method-not-allowed');
  const parameters = {
    ...readPath(pattern, segments),
    ...readQuery(pattern.route, search),
  };
  return {
    name: pattern.name,
    parameters,
    target: writeTarget(pattern.route, parameters),
  } as unknown as Match;
}

/** Writes the path and query that ask for a route. */
export function targetOf<Name extends RouteName>(
  name: Name,
  parameters: RouteParameters<Name>,
): string {
  return writeTarget(ROUTES[name], parameters as Readonly<Record<string, unknown>>);
}

/** The methods that a path takes, for `Allow`. */
export function allowedMethods(target: string): string[] {
  const segments = (target.split('?')[0] as string).slice(1).split('/');
  const methods = PATTERNS.filter((one) => fits(one.segments, segments)).map(
    (one) => one.route.method,
  );
  return methods.includes('GET') ? [...new Set([...methods, 'HEAD'])] : [...new Set(methods)];
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  const open = pattern.at(-1) === '{tile}';
  if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((part, i) => part.startsWith('{') || part === segments[i]);
}

function parameterCount(pattern: readonly string[]): number {
  return pattern.filter((part) => part.startsWith('{')).length;
}

function readPath(pattern: Pattern, segments: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  pattern.segments.forEach((part, i) => {
    if (!part.startsWith('{')) return;
    const name = part.slice(1, -1) as ParameterName;
    const text = name === 'tile' ? segments.slice(i).join('/') : (segments[i] as string);
    values[name] = readValue(name, text, `/path/${name}`);
  });
  return values;
}

function readQuery(route: RouteDefinition, search: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  if (search === '') return values;
  for (const pair of search.split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const name = route.query.find((known) => known === key);
    if (name === undefined) {
      throw invalidRequest('/query', `expected only ${route.query.join(', ') || 'no parameters'}`);
    }
    if (Object.hasOwn(values, name)) throw invalidRequest(`/query/${name}`, 'given twice');
    values[name] = readValue(name, equals < 0 ? '' : pair.slice(equals + 1), `/query/${name}`);
  }
  return values;
}

function readValue(name: ParameterName, text: string, pointer: string): unknown {
  const value = PARAMETERS[name].parse(text);
  if (value === null) throw invalidRequest(pointer, `expected ${PARAMETERS[name].expected}`);
  return value;
}

function writeTarget(
  route: RouteDefinition,
  parameters: Readonly<Record<string, unknown>>,
): string {
  const path = route.path.replace(/\{([a-z]+)\}/g, (_, name: string) =>
    writeValue(parameters[name]),
  );
  const query = route.query
    .filter((name) => parameters[name] !== undefined)
    .map((name) => `${name}=${writeValue(parameters[name])}`);
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

function writeValue(value: unknown): string {
  if (value instanceof Uint8Array) return toHex(value);
  return Array.isArray(value) ? value.join(',') : String(value);
}
