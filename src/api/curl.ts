/** A command that sends a source's sample: to try a source before its sender is set up. Signed where the source asks for it. */
import { type CompiledSource, sampleOf, type Verification } from '../packs/index.js';
import type { Mode } from './ports.js';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** `url` is the source's own. A key or secret is taken from the environment: MILLRACE_API_KEY, SECRET. */
export function curlOf(source: CompiledSource, url: string, mode: Mode): string {
  const { headers, body } = sampleOf(source);
  const { prepare, header } = signing(source.verify, mode);
  const all = Object.entries({ 'content-type': 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [
    `BODY=${quote(JSON.stringify(body))}`,
    ...prepare,
    `curl -X POST ${quote(url)} ${[...all.map(quote), ...header.map((one) => `"${one}"`)].map((one) => `-H ${one}`).join(' ')} -d "$BODY"`,
  ].join('\n');
}

interface Signing {
  readonly prepare: readonly string[]; // lines before
  readonly header: readonly string[]; // with variables of the shell in them
}

const HEX = `$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)`;
const signed = (header: string): Signing => ({ prepare: [`SIGNATURE=${HEX}`], header: [`${header}$SIGNATURE`] });

function signing(verify: Verification | null, mode: Mode): Signing {
  if (verify === null) {
    return { prepare: [], header: mode === 'cluster' ? ['authorization: Bearer $MILLRACE_API_KEY'] : [] };
  }
  switch (verify.scheme) {
    case 'github':
      return signed('x-hub-signature-256: sha256=');
    case 'sentry':
      return signed('sentry-hook-signature: ');
    case 'pagerduty':
      return signed('x-pagerduty-signature: v1=');
    case 'grafana':
      return signed('x-grafana-alerting-signature: ');
    case 'token':
      return {
        prepare: [],
        header: [verify.header === null ? 'authorization: Bearer $SECRET' : `${verify.header}: $SECRET`],
      };
    case 'standardWebhooks':
      return {
        prepare: [
          `KEY=$(printf %s "\${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')`,
          'TIME=$(date +%s)',
          `SIGNATURE=$(printf %s "msg_$TIME.$TIME.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | openssl base64 -A)`,
        ],
        header: ['webhook-id: msg_$TIME', 'webhook-timestamp: $TIME', 'webhook-signature: v1,$SIGNATURE'],
      };
  }
}
