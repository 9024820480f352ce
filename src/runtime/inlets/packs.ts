/** Which active packs of which tenants have a way in that Millrace goes itself. Compiled once for each version. */
import type { CompiledPack } from '../../packs/index.js';
import type { GatherDeps } from '../../stages/contract.js';
import { StoreError } from '../../store/errors.js';
import type { Telemetry } from '../../telemetry/catalogue.js';

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

export interface PacksDeps {
  readonly queries: InletQueries;
  readonly packs: GatherDeps;
  readonly telemetry: Telemetry;
}

/** Words of sources.yaml that concern this part: packs without them are not compiled for it. */
const PATTERN = 'kafka|schedules';

export interface InletPack extends ActivePack {
  readonly pack: CompiledPack;
}

/** The active packs that concern this part; asked again each time, compiled once for each version. */
export class InletPacks {
  private known = new Map<string, ActivePack & { readonly pack: CompiledPack | null }>();

  constructor(private readonly options: PacksDeps) {}

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
