/** What accepting reports writes besides events. */

/** A case that ingestion makes. */
export interface NewCase {
  readonly tenantId: string;
  readonly caseId: string;
  readonly openKey: string;
  readonly source: string;
  readonly at: number; // epoch ms
}

/** Reports of one fingerprint that are accepted now. */
export interface FingerprintReport {
  readonly tenantId: string;
  readonly fingerprint: string;
  readonly count: number;
}
export const fingerprintKey = (tenantId: string, fingerprint: string): string => `${tenantId}\n${fingerprint}`;

export interface IdempotencyClaim {
  readonly tenantId: string;
  readonly key: string;
  readonly bodyHash: string;
}
