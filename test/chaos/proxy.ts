/** A TCP proxy that stands between processes and a server, and can be made a bad network. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.js';
import { sleep } from './waiting.js';

type Manner = 'well' | 'cut' | 'slow' | 'half-open';
const SLOW_MS = 300;

/** One connection through the proxy, both of its halves. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  stalled: boolean; // nothing passes any more, and nobody is told
}

export class Link {
  private readonly pairs = new Set<Pair>();
  private manner: Manner = 'well';
  private target: { host: string; port: number } | undefined;

  private constructor(
    private readonly listener: Server,
    readonly port: number,
  ) {}

  static async open(): Promise<Link> {
    const listener = createServer({ noDelay: true });
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const link = new Link(listener, (listener.address() as AddressInfo).port);
    listener.on('connection', (client) => link.carry(client));
    return link;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where connections lead from now on: host:port. */
  leadTo(address: string): void {
    const [host = '', port = ''] = address.split(':');
    this.target = { host, port: Number(port) };
  }

  /**
   * `cut`: every connection is reset and none is let through; `slow`: everything takes longer; `half-open`: nothing
   * passes on half of the connections, and nobody is told. Answers how many connections are touched now.
   */
  trouble(how: Exclude<Manner, 'well'>, random: Random): number {
    this.manner = how;
    const touched = [...this.pairs].filter(() => how !== 'half-open' || random.chance(0.5));
    for (const pair of touched) {
      if (how === 'cut') end(pair);
      if (how === 'half-open') pair.stalled = true;
    }
    return touched.length;
  }

  /** All is well; connections on which nothing passed are reset now. */
  heal(): void {
    this.manner = 'well';
    for (const pair of this.pairs) if (pair.stalled) end(pair);
  }

  close(): void {
    this.listener.close();
    for (const pair of this.pairs) end(pair);
  }

  private carry(client: Socket): void {
    client.on('error', () => undefined);
    if (this.manner === 'cut' || !this.target) {
      client.resetAndDestroy();
      return;
    }
    const pair: Pair = { client, server: connect({ ...this.target, noDelay: true }), stalled: false };
    this.pairs.add(pair);
    this.pass(pair, pair.client, pair.server);
    this.pass(pair, pair.server, pair.client);
    for (const socket of [pair.client, pair.server]) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        if (pair.stalled) return; // the other side must not hear of it before the network heals
        this.pairs.delete(pair);
        end(pair);
      });
    }
  }

  private pass(pair: Pair, from: Socket, to: Socket): void {
    const forward = (chunk: Buffer): void => {
      if (pair.stalled || to.destroyed) return;
      if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    };
    let tail = Promise.resolve(); // what came first leaves first, however the manners change
    let late = false;
    from.on('data', (chunk: Buffer) => {
      late ||= this.manner === 'slow';
      if (!late) return forward(chunk);
      const due = performance.now() + (this.manner === 'slow' ? SLOW_MS : 0);
      tail = tail.then(() => sleep(Math.max(0, due - performance.now()))).then(() => forward(chunk));
      return undefined;
    });
  }
}

function end({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}
