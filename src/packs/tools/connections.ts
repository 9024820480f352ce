import { z } from 'zod';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { laterWords, readShape, refuseLater } from '../shape.js';
import type { ConnectionAuth, PackConnection } from '../types.js';
import type { PackFile } from '../yaml.js';

const LATER_KINDS = new Set(['sql', 'kafka', 'smtp', 'slack', 's3']);
const LATER = laterWords('breaker', 'limit', 'tls');

export const ConnectionShape = z.strictObject({
  kind: z.string(),
  base: z.string().max(2_000),
  auth: z
    .strictObject({
      bearer: z.string().optional(),
      basic: z.strictObject({ user: z.string(), password: z.string() }).optional(),
      header: z.strictObject({ name: z.string(), value: z.string() }).optional(),
    })
    .optional(),
  allowHosts: z.array(z.string()).optional(),
  allowPorts: z.array(z.number().int().min(1).max(65_535)).optional(),
});
type Auth = NonNullable<z.infer<typeof ConnectionShape>['auth']>;

const SECRET = /^secret:\/\/[A-Za-z0-9._-]{1,100}$/;
/** `demo://name` is the stand-in that a Millrace on one machine serves itself, so that a demo needs no network. */
const SCHEMES = ['http:', 'https:', 'demo:'];

/** Compiles `connections` of tools.yaml. */
export function compileConnections(context: CompileContext, file: PackFile): Map<string, PackConnection> {
  const connections = new Map<string, PackConnection>();
  for (const name of Object.keys((file.at(['connections']) ?? {}) as object)) {
    const path = ['connections', name];
    const kind = file.at([...path, 'kind']);
    if (LATER_KINDS.has(kind as string)) {
      refuseLater(file, [...path, 'kind'], `kind: ${String(kind)}`, context.report);
      continue;
    }
    const shape = readShape(file, path, ConnectionShape, context.report, LATER);
    if (shape === undefined) continue;
    if (shape.kind !== 'http') {
      const message = `Unknown kind of connection \`${shape.kind}\`.`;
      context.report.add(file.place([...path, 'kind']), 'VALUE_UNKNOWN', message, suggestion(shape.kind, ['http']));
    }
    checkBase(context, file, [...path, 'base'], shape.base);
    const auth = shape.auth === undefined ? undefined : compileAuth(context, file, [...path, 'auth'], shape.auth);
    connections.set(name, {
      kind: 'http',
      base: shape.base,
      ...(auth === undefined ? {} : { auth }),
      ...(shape.allowHosts === undefined ? {} : { allowHosts: shape.allowHosts }),
      ...(shape.allowPorts === undefined ? {} : { allowPorts: shape.allowPorts }),
    });
  }
  return connections;
}

function checkBase(context: CompileContext, file: PackFile, path: Path, base: string): void {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url !== undefined && SCHEMES.includes(url.protocol) && url.hostname !== '') return;
  context.report.add(
    file.place(path),
    'URL_INVALID',
    '`base` must be an address.',
    'For example https://trades.internal/v1.',
  );
}

/** One way to sign in, its secret by reference. */
function compileAuth(context: CompileContext, file: PackFile, path: Path, auth: Auth): ConnectionAuth | undefined {
  const ways = Object.keys(auth);
  if (ways.length !== 1) {
    context.report.add(file.place(path), 'VALUE_INVALID', '`auth` must be one of bearer, basic or header.');
    return undefined;
  }
  const secret = (value: string, ...inner: string[]): void => {
    if (SECRET.test(value)) return;
    const hint = 'Keep it outside and write secret://name.';
    context.report.add(file.place([...path, ...inner]), 'SECRET_INLINE', 'A secret must be given by reference.', hint);
  };
  if (auth.bearer !== undefined) {
    secret(auth.bearer, 'bearer');
    return { bearer: auth.bearer };
  }
  if (auth.basic !== undefined) {
    secret(auth.basic.password, 'basic', 'password');
    return { basic: auth.basic };
  }
  const header = auth.header as NonNullable<Auth['header']>;
  secret(header.value, 'header', 'value');
  return { header };
}
