/**
 * The ways in that Millrace goes itself: topics that are sources, schedules. Beside the consumer of every intake worker; it knows
 * the active packs of all tenants, and compiles only those that name such a source.
 */
import { type Loop, type LoopWatch, startLoop } from '../loop.js';
import { type InletPack, InletPacks, type InletQueries } from './packs.js';
import type { ReaderDeps } from './reader.js';
import { Schedules } from './schedules.js';
import { TopicSources, type WantedTopic } from './topics.js';

export type { InletQueries } from './packs.js';

export interface InletsOptions extends ReaderDeps {
  readonly queries: InletQueries;
  readonly watch: LoopWatch;
}

export interface Inlets {
  /** What does not get on, for people: `settlement.breaks of acme: …`. */
  troubles(): readonly string[];
  readonly topics: number;
  stop(): Promise<void>;
}

/** A line of readiness. A topic that cannot be read does not take the worker out of service: its other work goes on. */
export function sourcesCheck(inlets: Inlets): { readonly name: string; readonly ok: boolean; readonly detail: string } {
  const topics = inlets.topics === 1 ? '1 topic' : `${inlets.topics} topics`;
  return { name: 'sources', ok: true, detail: [topics, ...inlets.troubles()].join('; ') };
}

const LOOK_MS = 2_000; // a new version is taken up within two seconds
const JUDGE_MS = 10_000;
const DUE_MS = 1_000;

export function startInlets(options: InletsOptions): Inlets {
  const sources = new TopicSources(options);
  const schedules = new Schedules(options);
  const packs = new InletPacks(options);
  const look = async () => {
    const found = await packs.look();
    await schedules.settle(found);
    await sources.settle(found.flatMap(topicsOf));
    return false;
  };
  const judge = async () => {
    await sources.judge();
    return false;
  };
  const quiet = { failed: () => undefined, worked: () => undefined }; // a lag that cannot be read is no lag
  const loops: Loop[] = [
    startLoop(look, LOOK_MS, options.watch),
    startLoop(() => schedules.tick(), DUE_MS, options.watch),
    startLoop(judge, JUDGE_MS, quiet),
  ];
  return {
    troubles: () => sources.troubles(),
    get topics() {
      return sources.count;
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await sources.stop();
    },
  };
}

const topicsOf = ({ tenantId, version, pack }: InletPack): WantedTopic[] =>
  [...pack.sources].flatMap(([source, { topic }]) =>
    topic === null ? [] : [{ tenantId, version, source, topic: topic.name, from: topic.from }],
  );
