/** The sender of a webhook, known by its signature: the credential of a source that says `verify`. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { openSecret } from '../blocks/secrets.js';
import { ProblemError } from '../core/errors.js';
import { checkSignature, type Verification } from '../packs/index.js';
import type { Directory } from './directory.js';
import type { ApiDeps, Signature } from './ports.js';

type Deps = Pick<ApiDeps, 'packs' | 'resolveSecret' | 'onFault'>;

/** The signature that a request must have; null where its source asks for none, or where there is no such source. */
export async function signatureOf(
  deps: Deps,
  directory: Directory,
  request: FastifyRequest,
): Promise<Signature | null> {
  const { tenantId, source } = request.params as { readonly tenantId: string; readonly source: string };
  if (!(await directory.serves(tenantId))) return null;
  const { pack } = await deps.packs.activePack(tenantId);
  const verification = pack.sources.get(source)?.verify ?? null;
  return verification === null ? null : pending(deps, tenantId, source, verification, request);
}

function pending(
  deps: Deps,
  tenantId: string,
  source: string,
  verification: Verification,
  request: FastifyRequest,
): Signature {
  let checked: Signature['checked'] = null;
  return {
    source,
    get checked() {
      return checked;
    },
    check: async (body) => {
      const secrets = await secretsOf(deps, tenantId, verification, request);
      const identity = checkSignature(verification, secrets, { headers: request.headers, body, now: Date.now() });
      // A key of the API has no blanks, so the two cannot be taken for each other.
      const key = identity === null ? null : `hook ${source} ${sha256(identity)}`;
      checked = { idempotency: key === null ? null : { key, bodyHash: sha256(body) } };
    },
  };
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Those that can be read: while a secret is changed, one of them may not be there yet, or not any more. */
async function secretsOf(
  { resolveSecret, onFault }: Deps,
  tenantId: string,
  { secrets }: Verification,
  { id: requestId }: FastifyRequest,
): Promise<readonly string[]> {
  const opened = await Promise.allSettled(secrets.map((secret) => openSecret(tenantId, secret, resolveSecret)));
  const found = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (found.length > 0) return found;
  for (const one of opened) if (one.status === 'rejected') onFault?.({ requestId, error: one.reason as unknown });
  const message = 'The secret that this source verifies its sender with cannot be read.';
  const hint = 'Put it where SECRETS_DIR says, as TENANT/NAME, for the API too.';
  throw new ProblemError({ code: 'SECRET_UNAVAILABLE', message, hint }, 503);
}
