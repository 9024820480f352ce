import { type Probe, type Service, untilReady } from './service.js';

export interface ContainerSpec {
  readonly image: string;
  readonly address: string;
  readonly port: { readonly container: number; readonly host: number }; // fixed, so that it outlives a restart
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: string[];
  readonly says: RegExp; // a line of its log when it is up: waiting for a port would go on after the container ended
  readonly probe: Probe;
}

const START_MS = 180_000; // the first start may have to fetch the image

/** The service in a container; throws when no Docker engine answers or the image cannot be had. */
export async function startContainer(spec: ContainerSpec): Promise<Service> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const client = await getContainerRuntimeClient().catch(() => {
    throw new Error('no engine answers');
  });
  const description = new GenericContainer(spec.image)
    .withExposedPorts(spec.port)
    .withEnvironment({ ...spec.environment })
    .withWaitStrategy(Wait.forLogMessage(spec.says))
    .withStartupTimeout(START_MS);
  if (spec.command) description.withCommand(spec.command);
  const started = await within(START_MS, description.start());
  const container = client.container.getById(started.getId());
  const ready = () => untilReady(() => spec.probe(spec.address), 60_000);
  await ready();
  return {
    address: spec.address,
    origin: `Docker ${spec.image}`,
    stop: async () => void (await started.stop({ remove: true, removeVolumes: true })),
    kill: async (signal = 'SIGKILL') => {
      await container.kill({ signal });
      await container.wait();
    },
    restart: async () => {
      await container.restart();
      await ready();
    },
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not started after ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
