import { BlockFault } from './errors.js';
import type { ResolveSecret, SecretReference } from './port.js';

const REFERENCE = /^secret:\/\/([A-Za-z0-9._-]{1,100})$/;
const REDACTED = '[redacted]';

/** The value behind a reference. The same error whether the secret is missing or another tenant's. */
export async function openSecret(
  tenantId: string,
  reference: SecretReference,
  resolve: ResolveSecret,
): Promise<string> {
  const name = REFERENCE.exec(reference)?.[1];
  if (name === undefined) {
    throw new BlockFault('SECRET_INLINE', 'a secret must be given by reference: secret://name');
  }
  let value: string | null;
  try {
    value = await resolve(tenantId, name);
  } catch {
    // The resolver's own message could name its store or the value.
    throw new BlockFault('SECRET_UNAVAILABLE', `secret ${name} could not be read now`);
  }
  if (value === null || value === '') throw new BlockFault('SECRET_NOT_FOUND', `no secret named ${name}`);
  return value;
}

/** Replaces every form in which a secret comes back: itself, URL-encoded, JSON-escaped, base64. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const base64 = Buffer.from(secret).toString('base64');
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(base64);
    forms.add(base64.replace(/=+$/, ''));
    forms.add(Buffer.from(secret).toString('base64url'));
  }
  const longestFirst = [...forms].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((clean, form) => clean.replaceAll(form, REDACTED), text);
}
