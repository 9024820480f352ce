/** The version of this package, as package.json says it. */
import { createRequire } from 'node:module';

const { version: found } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };
export const version: string = found;
