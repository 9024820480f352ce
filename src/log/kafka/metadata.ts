/**
 * What kafkajs comes to when every broker it knows loses the connection while it is asked for metadata: `null`, which
 * its callers take apart, so that a broker that is away looks like a fault of the program and ends the process. Its
 * search for a group's coordinator names the same case; here metadata do, too.
 */
import { createRequire } from 'node:module';
import { isForInstalled } from './patch.js';

/** The part of kafkajs' Cluster that is patched. */
export interface Cluster {
  metadata(wanted: { readonly topics: readonly string[] }): Promise<object | null>;
}

const require = createRequire(import.meta.url);
const patched = new WeakSet<object>();

/** Patches once per process; false when the installed kafkajs is another version. */
export function patchMetadata(): boolean {
  if (!isForInstalled()) return false;
  const { prototype }: { prototype: Cluster } = require('kafkajs/src/cluster');
  if (patched.has(prototype)) return true;
  patched.add(prototype);
  const {
    KafkaJSMetadataNotLoaded,
  }: { KafkaJSMetadataNotLoaded: new (message: string) => Error } = require('kafkajs/src/errors');
  const original = prototype.metadata;
  prototype.metadata = async function metadataOrError(this: Cluster, wanted) {
    const answer = await original.call(this, wanted);
    if (answer === null) throw new KafkaJSMetadataNotLoaded('No broker told its metadata');
    return answer;
  };
  return true;
}
