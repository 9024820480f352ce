/** The first import of a worker: what the others load is compiled by this. */
import { setFlagsFromString } from 'node:v8';

// V8 optimises a function once it has run this much bytecode; in Node 20 its own limit is a quarter of it. At some events a
// second its threads then compile, for minutes after each start, what runs too seldom to pay for it soon, on the cores that
// the pipeline needs. In a burst what is run for each event is past this limit within seconds.
setFlagsFromString('--interrupt-budget=270336');
