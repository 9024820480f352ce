/**
 * The guard of every outbound connection. The URL is checked before a request (`checkTarget`), and the address again
 * where the socket is opened, after DNS, so that a name that resolves to a private address is refused too.
 */
import { lookup as systemLookup } from 'node:dns';
import { createRequire } from 'node:module';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type undici from 'undici';
import { BlockFault } from '../errors.js';
import type { Wire } from './exchange.js';

// Two of undici's files. All of it (fetch, caches, WebSockets, mocks) takes a tool worker a tenth of a second and 15 MB more.
const require = createRequire(import.meta.url);
const Agent = require('undici/lib/dispatcher/agent.js') as typeof undici.Agent;
const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector;

const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3');

/** True for addresses of the public internet; everything private, mapped, translated, reserved or unparseable is false. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  // IPv4 inside IPv6 (`::ffff:10.0.0.1`, `::10.0.0.1`, NAT64) lies outside 2000::/3; 6to4 and Teredo are not `unicast`.
  return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST_V6));
}

/** Lower case, IPv6 without its brackets: the form in which hosts and `host:port` are compared. */
export const bare = (host: string): string => host.toLowerCase().replace(/[[\]]/g, '');
const portOf = (protocol: string, port: string): string => port || (protocol === 'https:' ? '443' : '80');
const hostPort = (protocol: string, hostname: string, port: string): string =>
  `${bare(hostname)}:${portOf(protocol, port)}`;

/** What one connection may reach. */
export interface Reach {
  readonly hosts: readonly string[] | null; // `host`, `host:port`, `*.example.com`; null: any public host
  readonly ports: readonly number[]; // besides 80 and 443
}

/** Throws `URL_SCHEME`, `URL_CREDENTIALS` or `EGRESS_BLOCKED` for a URL that must not be called. */
export function checkTarget(url: URL, reach: Reach, allowPrivate: ReadonlySet<string>): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BlockFault('URL_SCHEME', `only http and https are called, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BlockFault('URL_CREDENTIALS', "credentials do not belong in a URL; use the connection's auth");
  }
  const target = hostPort(url.protocol, url.hostname, url.port);
  if (reach.hosts !== null && !reach.hosts.some((entry) => hostMatches(entry, url, target))) {
    throw new BlockFault('EGRESS_BLOCKED', `${url.host} is not among the connection's allowed hosts`);
  }
  if (allowPrivate.has(target)) return;
  const port = Number(portOf(url.protocol, url.port));
  const listed = reach.hosts?.some((entry) => bare(entry) === target) ?? false;
  if (port !== 80 && port !== 443 && !reach.ports.includes(port) && !listed) {
    throw new BlockFault('EGRESS_BLOCKED', `port ${port} of ${url.hostname} is not allowed`);
  }
  const host = bare(url.hostname).replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost') || (isIP(host) !== 0 && !isPublicAddress(host))) {
    throw new BlockFault('EGRESS_BLOCKED', `${url.hostname} is not a public address`);
  }
}

function hostMatches(entry: string, url: URL, target: string): boolean {
  const wanted = bare(entry);
  const host = bare(url.hostname);
  if (wanted.startsWith('*.')) return host.endsWith(wanted.slice(1)) && host.length > wanted.length - 1;
  return wanted === host || wanted === target;
}

/** A look-up that fails if any address of the name is not public: one bad answer among good ones is an attack. */
function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = typeof found === 'string' ? [] : found;
      const first = addresses[0];
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(
          new BlockFault('EGRESS_BLOCKED', `${hostname} does not resolve to public addresses only`),
          '',
          0,
        );
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

export interface EgressOptions {
  readonly allowPrivate: ReadonlySet<string>; // exact `host:port` (see `bare`) that may be private
  readonly lookup?: LookupFunction; // instead of the system's resolver
  readonly connectTimeoutMs: number;
}

export interface Egress {
  readonly pooled: Wire; // keeps connections
  readonly fresh: Wire; // one connection a request: no reset by a peer that closed an idle connection meanwhile
  close(): Promise<void>;
}

/** Two agents behind the same guard. Proxy variables of the environment are not read. */
export function openEgress({ allowPrivate, lookup, connectTimeoutMs }: EgressOptions): Egress {
  const resolve: LookupFunction = lookup ?? systemLookup;
  const open = buildConnector({ lookup: resolve, timeout: connectTimeoutMs });
  const guarded = buildConnector({ lookup: guardedLookup(resolve), timeout: connectTimeoutMs });
  const connect: undici.buildConnector.connector = (options, callback) => {
    const host = bare(options.hostname);
    if (allowPrivate.has(hostPort(options.protocol, host, options.port))) return open(options, callback);
    if (isIP(host) !== 0 && !isPublicAddress(host)) {
      return callback(new BlockFault('EGRESS_BLOCKED', `${host} is not a public address`), null);
    }
    return guarded(options, callback);
  };
  const pooled = new Agent({ connect });
  const fresh = new Agent({ connect, pipelining: 0 });
  return {
    pooled,
    fresh,
    close: async () => {
      await Promise.all([pooled.destroy(), fresh.destroy()]);
    },
  };
}
