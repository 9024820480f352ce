/** Read queries and the small writes of the API and the CLI, each in a transaction that sees one tenant's rows. */
import { caseQueries } from './queries/cases.js';
import { databaseOf } from './queries/database.js';
import { deadLetterQueries } from './queries/dead-letters.js';
import { incidentQueries } from './queries/incidents.js';
import { inletQueries } from './queries/inlets.js';
import { operationQueries } from './queries/operations.js';
import { packQueries } from './queries/packs.js';
import { pastQueries } from './queries/past.js';
import { reconcileQueries } from './queries/reconcile.js';
import { tenantQueries } from './queries/tenants.js';
import type { Driver } from './sql/driver.js';

export type { CaseDetail, CaseFilter, CaseSummary, TimelineEntry } from './queries/cases.js';
export type { DeadLetter, DeadLetterCause, DeadLetterPreview } from './queries/dead-letters.js';
export type { IncidentLink, IncidentMemberRow } from './queries/incidents.js';
export type { Pipeline, Wait } from './queries/operations.js';
export type { ApiKey } from './queries/tenants.js';

export function createQueries(driver: Driver) {
  const database = databaseOf(driver);
  return {
    ...caseQueries(database),
    ...tenantQueries(database),
    ...packQueries(database),
    ...operationQueries(database),
    ...reconcileQueries(database),
    ...deadLetterQueries(database),
    ...inletQueries(database),
    ...incidentQueries(database),
    ...pastQueries(driver),
  };
}

export type Queries = ReturnType<typeof createQueries>;
