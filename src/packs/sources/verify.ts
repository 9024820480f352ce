/** `verify`: how a source knows its sender. The secrets are references; who receives a request resolves them. */
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { wordFor } from '../shape.js';
import { SIGNATURE_SCHEMES, type SignatureScheme, type SourceKind, type Verification } from '../types.js';
import type { PackFile } from '../yaml.js';

const SECRET = /^secret:\/\/[A-Za-z0-9._-]{1,100}$/;
const HEADER = /^[A-Za-z0-9-]{1,100}$/;
const MAX_SECRETS = 5;
const EXAMPLE = 'For example `verify: { github: secret://hub }`, or a list of two while a secret is changed.';

/** The verification at `path`; null where there is none, or where it is wrong (then it is reported). */
export function compileVerify(
  { report }: CompileContext,
  file: PackFile,
  path: Path,
  kind: SourceKind,
): Verification | null {
  const written = file.at(path);
  if (written === undefined) return null;
  const [[scheme, ...others] = []] = [wordFor(written) === 'a map' ? Object.keys(written as object) : []];
  if (scheme === undefined || others.length > 0) {
    report.add(file.place(path), 'VALUE_TYPE', '`verify` must be a map with one word.', EXAMPLE);
    return null;
  }
  if (!isScheme(scheme)) {
    const hint = suggestion(scheme, SIGNATURE_SCHEMES);
    report.add(file.keyPlace([...path, scheme]), 'VALUE_UNKNOWN', `Unknown way to verify \`${scheme}\`.`, hint);
    return null;
  }
  if (isVendor(scheme) && scheme !== kind) {
    const message = `\`${scheme}\` signs its own webhooks, not those of a source of kind \`${kind}\`.`;
    report.add(file.keyPlace([...path, scheme]), 'VALUE_INVALID', message, 'Use standardWebhooks or token.');
    return null;
  }
  return readSecrets(scheme, file.at([...path, scheme]), (code, message, hint) =>
    report.add(file.place([...path, scheme]), code, message, hint),
  );
}

type Tell = (code: string, message: string, hint: string) => void;

function readSecrets(scheme: SignatureScheme, written: unknown, tell: Tell): Verification | null {
  const { secret = written, header = null, ...rest } = scheme === 'token' ? asMap(written) : {};
  const secrets = [secret].flat() as unknown[];
  if (Object.keys(rest).length > 0 || secrets.length === 0 || secrets.length > MAX_SECRETS) {
    tell('VALUE_TYPE', `\`${scheme}\` must be a secret, or a list of at most ${MAX_SECRETS}.`, EXAMPLE);
    return null;
  }
  if (!secrets.every((one) => typeof one === 'string' && SECRET.test(one))) {
    tell('SECRET_INLINE', 'A secret must be given by reference.', 'Keep it outside and write secret://name.');
    return null;
  }
  if (header !== null && !HEADER.test(String(header))) {
    tell('VALUE_INVALID', '`header` must be the name of a header.', 'For example `header: X-Hook-Token`.');
    return null;
  }
  return { scheme, secrets: secrets as string[], header: header === null ? null : String(header).toLowerCase() };
}

const asMap = (value: unknown): Readonly<Record<string, unknown>> =>
  wordFor(value) === 'a map' ? (value as Readonly<Record<string, unknown>>) : {};

const isScheme = (word: string): word is SignatureScheme => (SIGNATURE_SCHEMES as readonly string[]).includes(word);
const isVendor = (scheme: SignatureScheme): boolean => scheme !== 'standardWebhooks' && scheme !== 'token';
