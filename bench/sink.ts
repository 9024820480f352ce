/** What the tool calls of the benchmark reach: answers at once, counts calls. `GET /count` tells how many. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let calls = 0;
const server = createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/count') {
    response.end(String(calls));
    return;
  }
  request.resume();
  request.once('end', () => {
    calls++;
    const body = JSON.stringify({ status: 'REPAIRED', id: request.url?.split('/').at(-1), ref: calls });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => process.exit(0));
