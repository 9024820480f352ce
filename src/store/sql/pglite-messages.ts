/** Counts within bytes of the Postgres protocol: each message is a letter, its length as int32 (which counts itself), and its content. */

const QUERY = 0x51;
const SYNC = 0x53;
const READY = 0x5a;
const STARTUP = 0; // it has no letter; its length begins with a zero

function count(bytes: Uint8Array, isCounted: (letter: number) => boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let counted = 0;
  for (let at = 0; at + 5 <= bytes.length; at += 1 + view.getInt32(at + 1)) {
    if (isCounted(bytes[at] as number)) counted++;
  }
  return counted;
}

/** How many ReadyForQuery the server owes for these whole messages of a client: one for each query, sync or start. */
export function answersOwed(request: Uint8Array): number {
  return request[0] === STARTUP ? 1 : count(request, (letter) => letter === QUERY || letter === SYNC);
}

/** How many ReadyForQuery are among these whole messages of the server. */
export const answersGiven = (answer: Uint8Array): number => count(answer, (letter) => letter === READY);
