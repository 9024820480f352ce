import type { Report } from './problems.js';

/** Forms of secrets that have no business in a file that people read and diff. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b[sr]k_(?:live|test)_[A-Za-z0-9]{8,}/g, 'a payment key'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/g, 'a private key'],
  [/\bBearer\s+(?!\$\{\{)[A-Za-z0-9._~+/-]{8,}=*/g, 'a bearer token'],
  [/\bBasic\s+[A-Za-z0-9+/]{12,}={0,2}/g, 'basic credentials'],
  [/\bAKIA[0-9A-Z]{16}\b/g, 'a cloud access key'],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/g, 'a GitHub token'],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/g, 'a Slack token'],
  [/\bsk-[A-Za-z0-9_-]{20,}/g, 'a model provider key'],
  [/\bwhsec_[A-Za-z0-9+/=]{16,}/g, 'a webhook secret'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/g, 'a signed token'],
  [/\b[a-z][a-z0-9+]*:\/\/[^\s/:@"']+:[^\s/@"'$]+@/g, 'a password in an address'],
];

/** Reports secrets written out in a file (SECRET_INLINE). The message never repeats them. */
export function findSecrets(file: string, text: string, report: Report): void {
  for (const [index, line] of text.split('\n').entries()) {
    for (const [pattern, what] of PATTERNS) {
      for (const match of line.matchAll(pattern)) {
        const place = { file, line: index + 1, column: match.index + 1 };
        report.add(place, 'SECRET_INLINE', `This looks like ${what}.`, 'Keep it outside and write secret://name.');
      }
    }
  }
}
