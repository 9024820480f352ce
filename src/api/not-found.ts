/** What is answered where no route is: 405 with the methods that are there, or 404. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../core/errors.js';
import type { Api } from './ports.js';

/** Adds the answer to `api`; it knows the routes that are added after it. */
export function addNotFound(api: Api): void {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  api.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, pattern: patternOf(url) });
  });
  api.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] as string;
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    const { method } = request;
    if (allowed.length === 0) {
      const hint = 'GET / lists what is here, /docs describes it.';
      throw new ProblemError({ code: 'ROUTE_NOT_FOUND', message: 'There is nothing at this path.', hint }, 404);
    }
    reply.header('allow', allowed.join(', '));
    const message = `${method} is not possible here.`;
    throw new ProblemError({ code: 'METHOD_NOT_ALLOWED', message, hint: `Use ${allowed.join(' or ')}.` }, 405);
  });
}

const patternOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .replace(/[.\\+?^$()[\]{}|]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replace(/\*/g, '.*')}$`,
  );
