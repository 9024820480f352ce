/** The API as a user calls it. */
import { Pool } from 'undici';

const PATIENCE_MS = 60_000;

export interface Client {
  /** Throws unless the answer is of the 200s. */
  request(method: 'GET' | 'POST' | 'PUT', path: string, body?: string, type?: string): Promise<string>;
  close(): Promise<void>;
}

/** Keeps up to `connections` connections; more requests than that wait for one. */
export function createClient(url: string, connections: number, key?: string): Client {
  const pool = new Pool(url, { connections, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
  return {
    async request(method, path, body, type = 'application/json') {
      const headers = {
        ...(body !== undefined && { 'content-type': type }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      };
      const answer = await pool.request({ method, path, headers, ...(body !== undefined && { body }) });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
      return text;
    },
    close: () => pool.close(),
  };
}
