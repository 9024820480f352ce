/**
 * The ways in that Millrace goes itself: topics that are sources. Beside the consumer of every intake worker; it knows
 * the active packs of all tenants, and compiles only those that name such a source.
 */
import type { CompiledPack } from '../../packs/index.js';
import { StoreError } from '../../store/errors.js';
import { type Loop, type LoopWatch, startLoop } from '../loop.js';
import type { ReaderDeps } from './reader.js';
import { TopicSources, type WantedTopic } from './topics.js';

export interface ActivePack {
  readonly tenantId: string;
  readonly version: number;
}

/** What it asks of the read queries. */
export interface InletQueries {
  /** The active versions of all tenants that have one and are not disabled. */
  activePacks(): Promise<readonly ActivePack[]>;
  /** Of these tenants those whose active pack has the text in its sources.yaml. */
  packsWithSource(tenants: readonly string[], pattern: string): Promise<readonly string[]>;
}

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

const LOOK_MS = 2_000;
const JUDGE_MS = 10_000;
/** Words of sources.yaml that concern this part: packs without them are not compiled for it. */
const PATTERN = 'kafka';

export function startInlets(options: InletsOptions): Inlets {
  const sources = new TopicSources(options);
  const packs = new InletPacks(options);
  const look = async () => {
    await sources.settle((await packs.look()).flatMap(topicsOf));
    return false;
  };
  const judge = async () => {
    await sources.judge();
    return false;
  };
  const quiet = { failed: () => undefined, worked: () => undefined }; // a lag that cannot be read is no lag
  const loops: Loop[] = [startLoop(look, LOOK_MS, options.watch), startLoop(judge, JUDGE_MS, quiet)];
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

export interface InletPack extends ActivePack {
  readonly pack: CompiledPack;
}

/** The active packs that concern this part; asked again each time, compiled once for each version. */
class InletPacks {
  private known = new Map<string, ActivePack & { readonly pack: CompiledPack | null }>();

  constructor(private readonly options: InletsOptions) {}

  async look(): Promise<readonly InletPack[]> {
    const { queries } = this.options;
    const active = await queries.activePacks();
    const changed = active.filter(({ tenantId, version }) => this.known.get(tenantId)?.version !== version);
    const naming = new Set(
      changed.length === 0
        ? []
        : await queries.packsWithSource(
            changed.map(({ tenantId }) => tenantId),
            PATTERN,
          ),
    );
    const known: typeof this.known = new Map();
    for (const one of active) {
      const before = this.known.get(one.tenantId);
      if (before?.version === one.version) known.set(one.tenantId, before);
      else if (!naming.has(one.tenantId)) known.set(one.tenantId, { ...one, pack: null });
      else known.set(one.tenantId, { ...one, pack: await this.compiled(one) });
    }
    this.known = known;
    return [...known.values()].filter((one): one is InletPack => one.pack !== null);
  }

  /** One tenant's pack that this version of the code refuses must not stop the others. */
  private async compiled({ tenantId, version }: ActivePack): Promise<CompiledPack | null> {
    try {
      return (await this.options.packs.packVersion(tenantId, version)).pack;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const reason = (error as Error).message;
      this.options.telemetry.emit('source.trouble', { tenantId, source: '*', topic: '*', reason });
      return null;
    }
  }
}

const topicsOf = ({ tenantId, version, pack }: InletPack): WantedTopic[] =>
  [...pack.sources].flatMap(([source, { topic }]) =>
    topic === null ? [] : [{ tenantId, version, source, topic: topic.name, from: topic.from }],
  );
