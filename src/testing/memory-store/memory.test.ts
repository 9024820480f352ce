import { randomUUID } from 'node:crypto';
import { describeStoreContract } from '../store-contract.js';
import { createMemoryStore, MemoryDatabase } from './index.js';

describeStoreContract(
  'the store in memory',
  async () => {
    const database = new MemoryDatabase();
    const tenant = async (): Promise<string> => {
      const tenantId = `t-${randomUUID().slice(0, 8)}`;
      database.addTenant(tenantId);
      return tenantId;
    };
    return {
      ...{ store: createMemoryStore(database), tenant },
      waiting: async () => database.locks.waiting,
      close: async () => undefined,
    };
  },
  { concurrent: true },
);
