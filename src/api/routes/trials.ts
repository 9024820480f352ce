/** Why an exception came to where it is, and what a pack would do: on one input, or on the past. Nothing is changed. */
import type { CompiledPack } from '../../packs/index.js';
import { evaluateGate, explainCase, toldInFull, walk, whyNot } from '../../trial/index.js';
import type { Api, ApiDeps } from '../ports.js';
import {
  BacktestBody,
  Backtested,
  CaseParams,
  Explained,
  ExplainQuery,
  SimulateBody,
  Simulated,
  TenantParams,
} from '../trial-schemas.js';
import { backtestPack, timeOrAgo, toldEvents, usablePack } from '../trials.js';
import { PROBLEMS } from './answers.js';
import { requireCase } from './exceptions.js';

const MAX_BYTES = 10 * 1024 * 1024;
const MOST_EVENTS = 5_000;
const READ = { access: 'exceptions:read' } as const;

export function trialRoutes(api: Api, deps: ApiDeps): void {
  explainRoute(api, deps);
  simulateRoute(api, deps);
  backtestRoute(api, deps);
}

function explainRoute(api: Api, { queries, packs }: ApiDeps): void {
  api.get(
    '/exceptions/:tenantId/:id/explain',
    {
      config: READ,
      schema: {
        summary: 'Explain an exception',
        description:
          'What each stage tried, in order, what matched, and where something did not, the values that it saw.',
        operationId: 'explainException',
        tags: ['Exceptions'],
        params: CaseParams,
        querystring: ExplainQuery,
        response: { 200: Explained, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id }, query: { rule: name } }) => {
      const { status, exception } = await requireCase(queries, tenantId, id);
      const timeline = toldEvents(await queries.timeline(tenantId, id, 0, MOST_EVENTS));
      const events = await toldInFull(timeline, (version) => usablePack(packs, tenantId, version));
      const explanation = explainCase(events);
      const told = { id, status, title: exception?.title ?? null, ...explanation, parts: [...explanation.parts] };
      const parts = told.parts.map((part) => ({ ...part, tried: [...part.tried] }));
      if (name === undefined) return { ...told, parts };
      const decided = parts.findLast(({ packVersion, tried }) => packVersion !== null && tried.length > 0)?.packVersion;
      const { pack } = await (decided == null ? packs.activePack(tenantId) : packs.packVersion(tenantId, decided));
      return { ...told, parts, rule: { name, ...whyNot(name, pack, tenantId, events, explanation) } };
    },
  );
}

function simulateRoute(api: Api, { packs, packLife }: ApiDeps): void {
  api.post(
    '/packs/:tenantId/simulate',
    {
      bodyLimit: MAX_BYTES,
      config: READ,
      schema: {
        summary: 'Simulate one input',
        description: 'The decisions that a pack would make, with their explanation; nothing is kept, called or asked.',
        operationId: 'simulatePack',
        tags: ['Packs'],
        params: TenantParams,
        body: SimulateBody,
        response: { 200: Simulated, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId: tenant }, body: { files, source, input, headers, given, now } }) => {
      const active = await packs.activePack(tenant);
      const pack: CompiledPack = files === undefined ? active.pack : await packLife.validate(tenant, files);
      const at = now === undefined ? Date.now() : timeOrAgo(now, Date.now(), 'now');
      const request = { tenant, source, body: input, now: at, packVersion: active.version };
      const walked = walk(pack, { ...request, ...(headers && { headers }) }, given);
      const cases = walked.cases.map((one) => ({ ...one, explanation: explainCase(one.events) }));
      return { tenant, problems: [...walked.problems], cases };
    },
  );
}

function backtestRoute(api: Api, deps: ApiDeps): void {
  api.post(
    '/packs/:tenantId/backtest',
    {
      bodyLimit: MAX_BYTES,
      config: READ,
      schema: {
        summary: 'Try a pack on the past',
        description:
          'Every exception of that time once through the candidate and once through the active version, against what really ' +
          'happened: counts, a matrix, and the exceptions that change, each with the rule that made the difference. Reads only.',
        operationId: 'backtestPack',
        tags: ['Packs'],
        params: TenantParams,
        body: BacktestBody,
        response: { 200: Backtested, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { files, since, until, limit, gate }, raw }) => {
      const now = Date.now();
      const gone = new AbortController();
      raw.once('close', () => gone.abort());
      const times = {
        since: timeOrAgo(since, now, 'since'),
        until: until === undefined ? now : timeOrAgo(until, now, 'until'),
      };
      const pack = await deps.packLife.validate(tenantId, files);
      const asked = { tenantId, pack, files: new Map(Object.entries(files)), ...times, limit };
      const report = await backtestPack(deps, asked, { signal: gone.signal });
      return Backtested.parse(gate === undefined ? report : { ...report, gate: evaluateGate(gate, report) });
    },
  );
}
