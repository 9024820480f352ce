/** The Drizzle schema of all tables; the SQL in `migrations/` is what runs, and a test holds the two together. */
export { cases, journal, outbox, positions, workers } from './schema/cases.js';
export { incidentMembers, incidents } from './schema/incidents.js';
export { schedules } from './schema/schedules.js';
export { apiKeys, packActivations, packs, tenants } from './schema/tenants.js';
export {
  budgets,
  deadLetters,
  executions,
  figures,
  fingerprints,
  idempotencyKeys,
  timers,
  waits,
} from './schema/work.js';
