import { requireService } from '../testing/services/require.js';
import { describeStoreContract } from '../testing/store-contract.js';
import { postgresForTest } from '../testing/stores.js';

const server = requireService('postgres');

server.describe('on a Postgres server', () => {
  describeStoreContract('the store', () => postgresForTest(server.address), { concurrent: true });
});
