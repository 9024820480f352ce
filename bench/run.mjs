/** `npm run bench -- pipeline`: installs and builds if needed, then runs one of the benchmarks. */
import { register } from 'tsx/esm/api';
import { prepare } from '../scripts/prepare.mjs';

prepare();
register();
await import('./main.ts');
