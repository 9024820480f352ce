/** Who asks for something: the name that journal and history keep. */
import type { Principal } from './ports.js';

/** In a cluster whoever holds the key; on one's own machine whoever the body names. */
export const personOf = (principal: Principal | null, by: string | undefined): string =>
  principal === null || principal.tenantId === null ? (by ?? principal?.name ?? 'local') : principal.name;
