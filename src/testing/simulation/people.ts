/** Everybody outside: systems that report, approvers, an operator. They try again until they have an answer. */
import { isClosed } from '../../core/case.js';
import { ProblemError } from '../../core/errors.js';
import { splitSource } from '../../packs/index.js';
import type { IngestRequest } from '../../runtime/ingest.js';
import { ingestItem } from '../../runtime/ingest-reports.js';
import { settleLetters } from './clerk.js';
import { EPOCH } from './environment.js';
import type { Node } from './nodes.js';
import { SOURCE_PACK } from './packs.js';
import { REFUSED } from './stores.js';
import { type Report, TENANT, type World } from './world.js';

const TYPES = ['REPAIR', 'REPAIR', 'PAY', 'PAY', 'NOISE', 'OTHER', 'SMALL', 'CRASH', 'CRASH', 'STORM'] as const;
/** Types of cases that belong together: in some seeds all are of one of them. */
const FAMILIES = ['FLOOD', 'CLAN', 'PART', 'PAIR'] as const;
const IN_FAMILIES = 0.15;
const FEW = 2;
const CROWD = 4;
const CROWDS = 0.1; // the part of all seeds in which many cases share chunks and locks
const APPROVERS = ['ann', 'bob'] as const;

export class People {
  private underWay = 0;

  constructor(
    private readonly world: World,
    private readonly apis: () => readonly Node[],
    private readonly isCalm: () => boolean,
  ) {}

  /** Everything that was reported was accepted. */
  get areDone(): boolean {
    return this.underWay === 0;
  }

  start(): void {
    const { random, cut } = this.world;
    const family = random.chance(IN_FAMILIES) ? random.pick(FAMILIES) : undefined;
    const cases = family !== undefined || random.chance(CROWDS) ? CROWD : 1 + random.below(FEW);
    for (let i = 0; i < Math.min(cases, cut.cases ?? cases); i++) this.plan(i, family ?? random.pick(TYPES));
    for (const report of this.world.reports) this.background(() => this.sendLater(report, random.between(0, 6_000)));
    void this.approve();
    void this.operate();
    void settleLetters(
      this.world,
      (work) => this.ask(work),
      () => this.isCalm(),
    );
  }

  /** Senders that were answered cannot know what a restored database has forgotten: they send all of it again. */
  sendAgain(): void {
    for (const report of this.world.reports) this.background(() => this.sendLater(report, 2_000));
  }

  private plan(number: number, type: string): void {
    const { random, faults, reports } = this.world;
    const count = 1 + random.below(2);
    const isBad = faults.strikes('rejected-report');
    const isRefused = !isBad && faults.strikes('refused-data');
    for (let n = 0; n <= count; n++) {
      const resolve = n === count;
      if (resolve && !random.chance(0.25)) continue;
      reports.push({
        name: `f${number}.${n}`,
        fingerprint: `f${number}`,
        key: `f${number}-${n}`,
        type: isBad ? '' : type,
        resolve,
        isBad: isBad || isRefused,
        answered: false,
        title: isRefused ? REFUSED : `report ${n}`,
      });
    }
  }

  private background(work: () => Promise<void>): void {
    this.underWay++;
    void work().then(() => {
      this.underWay--;
    });
  }

  private async sendLater(report: Report, ms: number): Promise<void> {
    const { scheduler, outside, faults } = this.world;
    await scheduler.sleep(outside, ms);
    const twice = faults.strikes('sent-twice');
    if (twice) faults.note(`${report.name} is sent twice at once`);
    await Promise.all([this.send(report), ...(twice ? [this.send(report)] : [])]);
    report.answered = true;
  }

  private async send(report: Report): Promise<void> {
    const { world } = this;
    for (;;) {
      try {
        await this.ask(({ ingestion }) => ingestion?.accept(requestOf(world, report)));
        await world.scheduler.step(world.outside);
        world.tell(`${report.name} is accepted`);
        return;
      } catch {
        await world.scheduler.sleep(world.outside, world.random.between(200, 1_500));
      }
    }
  }

  /** Asks one of the API's processes; rejects when it dies. */
  private async ask<T>(work: (api: Node) => Promise<T> | undefined): Promise<T | undefined> {
    const { scheduler, outside, random } = this.world;
    while (this.apis().length === 0) await scheduler.sleep(outside, 500);
    const api = random.pick(this.apis());
    return new Promise((resolve, reject) => {
      api.calls.add(reject);
      void scheduler
        .step(api.process)
        .then(() => work(api))
        .then(resolve, reject)
        .finally(() => api.calls.delete(reject));
    });
  }

  private async approve(): Promise<void> {
    const { scheduler, outside, random, database, faults } = this.world;
    const eagerness = random.between(0, 0.8);
    for (;;) {
      await scheduler.sleep(outside, random.between(300, 3_000));
      const open = [...database.tables.waits.rows.values()].filter(({ status }) => status === 'open');
      for (const { caseId, waitId } of open) {
        if (!random.chance(eagerness)) continue;
        const decision = random.chance(0.85) ? 'approved' : 'rejected';
        const command = {
          tenantId: TENANT,
          caseId,
          waitId,
          decision,
          by: random.pick(APPROVERS),
          comment: null,
        } as const;
        void this.decide(command);
        if (!faults.strikes('decided-twice')) continue;
        faults.note(`${command.by} decides twice about ${this.world.nameOf(caseId)}`);
        void this.decide(command);
      }
    }
  }

  private async decide(command: Parameters<NonNullable<Node['commands']>['decideApproval']>[0]): Promise<void> {
    const { world } = this;
    const { decided } = world; // what the database knows that is asked now: one that is restored meanwhile does not
    try {
      const answer = await this.ask(({ commands }) => commands?.decideApproval(command));
      await world.scheduler.step(world.outside);
      if (answer === undefined || answer.status === 'open') return;
      world.tell(`${command.by} has ${answer.status} ${world.nameOf(command.caseId)}`);
      decided.set(command.waitId, answer.status);
    } catch (error) {
      if (error instanceof ProblemError) world.tell(`${command.by} hears ${error.message}`);
    }
  }

  /** Works cases again that need a person. */
  private async operate(): Promise<void> {
    const { scheduler, outside, random, database } = this.world;
    while (!this.isCalm()) {
      await scheduler.sleep(outside, random.between(2_000, 9_000));
      const cases = [...database.tables.cases.rows.values()].map(({ state }) => state);
      const stuck = cases.filter(({ status }) => status === 'ESCALATED' || isClosed(status));
      if (stuck.length === 0 || this.isCalm() || !random.chance(0.3)) continue;
      const { tenantId, caseId } = random.pick(stuck);
      await this.ask(({ commands }) => commands?.reingest({ tenantId, caseId })).catch(() => undefined);
    }
  }
}

function requestOf(world: World, { fingerprint, type, title, resolve, key }: Report): IngestRequest {
  const receivedAt = new Date(EPOCH + Math.floor(world.scheduler.now)).toISOString();
  const item = { ...(type !== '' && { type }), title, entity: fingerprint, fields: { report: key } };
  const [split] = splitSource(SOURCE_PACK, 'generic', { body: item, headers: {}, receivedAt }).items;
  const group = split?.accumulate && { accumulate: split.accumulate };
  const about = { newCaseId: world.newId(), source: 'generic', via: 'api', receivedAt } as const;
  const active = { pack: SOURCE_PACK, version: world.active.version };
  return {
    requestId: world.newId(),
    tenantId: TENANT,
    traceparent: null,
    idempotency: { key, bodyHash: key },
    items: [ingestItem(active, { item, fingerprint, resolve, ...group }, about)],
  };
}
