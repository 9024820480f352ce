import { describeStoreContract } from '../testing/store-contract.js';
import { pgliteForTest } from '../testing/stores.js';

describeStoreContract('the store on PGlite', pgliteForTest, { concurrent: false });
