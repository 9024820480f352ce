/** The first import of a worker: what the others load is compiled by this. */
import { setFlagsFromString } from 'node:v8';

// V8 optimises a function once it has run this much bytecode; its own limit is a quarter. At some events a second its threads then
// compile code that will not pay for it for hours, on the cores that the pipeline needs, for minutes after each start. In a
// burst what is run for each event is past this limit within seconds.
setFlagsFromString('--interrupt-budget=270336');
