/**
 * The HTTP surface as an OpenAPI 3.1 document, made from the route table and the JSON shapes.
 *
 * Nothing here is written twice: a route that is added to the table is in the document.
 */
import type { AddressPrefix } from '../crypto/address.ts';
import {
  addressAnswersShape,
  addressProofShape,
  addressQueryShape,
  coinsPageShape,
  historyPageShape,
} from './address.ts';
import {
  chainShape,
  faucetGrantShape,
  faucetRequestShape,
  feesShape,
  mempoolShape,
  snapshotsShape,
  statusShape,
  validatorsShape,
} from './chain.ts';
import { eventShape } from './events.ts';
import { blockShape, headersShape } from './header.ts';
import type { JsonValue } from './json.ts';
import { PARAMETERS, type ParameterName } from './parameters.ts';
import { PROBLEM_CONTENT_TYPE, PROBLEMS } from './problem.ts';
import {
  handoverShape,
  headerProofShape,
  stateProofShape,
  updateShape,
  validatorSetShape,
} from './proof.ts';
import { ROUTES, type RouteDefinition, type RouteName } from './routes.ts';
import type { AnyShape, JsonSchema } from './shape.ts';
import {
  placedTransactionShape,
  submitShape,
  submittedShape,
  transactionPageShape,
  transactionProofShape,
  transactionStatusShape,
} from './transaction.ts';

/** The JSON of each route's answer. Routes that are not named answer in text or octets. */
function answerShapes(prefix: AddressPrefix): Partial<Record<RouteName, AnyShape>> {
  return {
    chain: chainShape,
    update: updateShape(prefix),
    handover: handoverShape(prefix),
    validatorSet: validatorSetShape(prefix),
    validators: validatorsShape(prefix),
    header: headerProofShape,
    headers: headersShape,
    block: blockShape,
    blockTransactions: transactionPageShape(prefix),
    transaction: placedTransactionShape(prefix),
    transactionProof: transactionProofShape(prefix),
    transactionStatus: transactionStatusShape,
    submit: submittedShape,
    address: addressProofShape(prefix),
    coins: coinsPageShape(prefix),
    history: historyPageShape(prefix),
    state: stateProofShape,
    addressQuery: addressAnswersShape,
    fees: feesShape,
    mempool: mempoolShape,
    faucet: faucetGrantShape,
    snapshots: snapshotsShape,
    status: statusShape,
  };
}

/** The JSON that a route takes in. */
function bodyShapes(prefix: AddressPrefix): Partial<Record<RouteName, AnyShape>> {
  return {
    submit: submitShape,
    addressQuery: addressQueryShape(prefix),
    faucet: faucetRequestShape(prefix),
  };
}

/** Content types of answers that are not JSON. */
const OTHER_TYPES: Partial<Record<RouteName, string>> = {
  checkpoint: 'text/plain',
  tile: 'application/octet-stream',
  receipt: 'text/plain',
  snapshotChunk: 'application/octet-stream',
  events: 'text/event-stream',
  livez: 'text/plain',
  readyz: 'text/plain',
  docs: 'text/html',
};

/** The document for a network whose addresses have this prefix. */
export function openApiDocument(prefix: AddressPrefix, version: string): JsonSchema {
  const answers = answerShapes(prefix);
  const bodies = bodyShapes(prefix);
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const [name, definition] of Object.entries(ROUTES)) {
    const route: RouteDefinition = definition;
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operation(
      name as RouteName,
      route,
      answers[name as RouteName],
      bodies[name as RouteName],
    );
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fanal',
      version,
      description:
        'One surface for nodes and gateways. Answers marked proved can be checked against a ' +
        'certified checkpoint; take nothing that is only reported for more than a hint.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: { Problem: problemSchema() } },
  };
}

function operation(
  name: RouteName,
  route: RouteDefinition,
  answer: AnyShape | undefined,
  body: AnyShape | undefined,
): JsonValue {
  const inPath = [...route.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]);
  const content: Record<string, JsonValue> = {};
  if (answer !== undefined) content['application/json'] = { schema: answer.schema };
  const other = OTHER_TYPES[name];
  if (other !== undefined) {
    content[other] = name === 'events' ? { schema: eventShape.schema } : {};
  }
  if (route.bytes !== null) {
    content['application/octet-stream'] = {
      schema: { type: 'string', format: 'binary', title: `${route.bytes}, canonical bytes` },
    };
  }
  return {
    operationId: name,
    summary: route.summary,
    description: describe(route),
    parameters: [
      ...inPath.map((parameter) => describeParameter(parameter as ParameterName, 'path')),
      ...route.query.map((parameter) => describeParameter(parameter, 'query')),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: body.schema },
              ...(name === 'submit' ? { 'application/octet-stream': {} } : {}),
            },
          },
        }),
    responses: {
      '200': { description: 'The answer', content },
      default: {
        description: 'A refusal',
        content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** What the table knows of a route, in words. */
export function describe(route: RouteDefinition): string {
  const words = [route.trust === 'proved' ? 'Proved.' : 'Reported, not proved.'];
  if (route.bytes !== null) words.push(`\`format=bytes\` gives the canonical ${route.bytes}.`);
  if (route.served === 'node') words.push('Nodes only.');
  return words.join(' ');
}

function describeParameter(name: ParameterName, place: 'path' | 'query'): JsonValue {
  return {
    name,
    in: place,
    required: place === 'path',
    description: `Expected ${PARAMETERS[name].expected}.`,
    schema: { type: 'string' },
  };
}

function problemSchema(): JsonSchema {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string', enum: Object.keys(PROBLEMS) },
      reason: { type: 'string' },
      retryAfter: { type: 'integer' },
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['pointer', 'detail'],
          properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
        },
      },
    },
  };
}
