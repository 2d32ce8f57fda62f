/**
 * The surface described: as OpenAPI for programs, as a page for people.
 */
import { openApiDocument } from 'fanal/api/openapi.ts';
import { REFERENCE_CONTENT_SECURITY_POLICY, referencePage } from 'fanal/api/reference.ts';
import { json } from './answer.ts';
import type { Handlers } from './handler.ts';

export const documentRoutes: Handlers<'openapi' | 'docs'> = {
  async openapi(_, { identity }) {
    return json(openApiDocument(identity.prefix, identity.version), 'docs');
  },

  async docs(_, { identity }) {
    return {
      body: referencePage(identity.prefix, identity.version),
      type: 'text/html; charset=utf-8',
      cache: 'docs',
      headers: { 'content-security-policy': REFERENCE_CONTENT_SECURITY_POLICY },
    };
  },
};
