/** `npm run chaos -- --minutes N --seed S --events N`: installs and builds if needed, then is the program. */
import { register } from 'tsx/esm/api';
import { prepare } from './prepare.mjs';

prepare();
register();
await import('../test/chaos/main.ts');
