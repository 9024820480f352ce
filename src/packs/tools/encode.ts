import { ProblemError } from '../../core/errors.js';
import type { Encode, Path } from '../expressions/template.js';

/**
 * Values put into an address are encoded, so that data cannot add a segment, a query or a host. In the path, a value that
 * is empty or only dots would change which address is called: it is refused.
 */
const inAddress: Encode = (value, before) => {
  if (!before.includes('?') && /^\.{0,2}$/.test(value)) {
    throw new ProblemError({
      code: 'PATH_INVALID',
      message: `The value "${value}" cannot be a part of the address after \`${before}\`.`,
      hint: 'Check that the exception has the value which the tool puts into its path.',
    });
  }
  return encodeURIComponent(value);
};

/** How values are made safe inside the input of a block. */
export const encoderFor =
  (block: string) =>
  (path: Path): Encode | undefined =>
    block === 'http.request' && path.length === 1 && (path[0] === 'path' || path[0] === 'url') ? inAddress : undefined;
