/**
 * What the tool calls of the benchmark reach: answers at once. On bare sockets, since its time is taken
 * from what is measured and belongs to none of it.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
let calls = 0;

function answer(head: string): string {
  const [, path] = head.split(' ', 2) as [string, string];
  const body = JSON.stringify({ status: 'REPAIRED', id: path.split('/').at(-1), ref: ++calls });
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`;
}

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (;;) {
      const end = rest.indexOf(HEAD_END);
      if (end < 0) return;
      const head = rest.toString('latin1', 0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const next = end + HEAD_END.length + length;
      if (rest.length < next) return;
      rest = rest.subarray(next);
      socket.write(answer(head));
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => process.exit(0));
