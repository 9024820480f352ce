import type { TestContext } from 'vitest';
import { startKafka } from '../services/kafka.js';
import { NOT_RUN, type Service, ServiceUnavailable } from '../services/service.js';

/** A broker that the test may kill. Where none can be had the test is listed as not run, and fails in CI. */
export async function startOwnBroker({ skip }: TestContext): Promise<Service> {
  try {
    return await startKafka({ own: true });
  } catch (error) {
    if (!(error instanceof ServiceUnavailable) || process.env.CI) throw error;
    return skip(`${NOT_RUN}${error.message}`);
  }
}
