/** Runs `millrace` within a test, with its own environment, and gives back what it printed. */
import { runCli } from '../cli/run.js';

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What `--json` printed. */
  json(): unknown;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

export async function millrace(
  args: readonly string[],
  { env = {}, input = '', signal, onLine }: CliOptions = {},
): Promise<CliResult> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    out: (line) => {
      out.push(line);
      onLine?.(line);
    },
    err: (line) => err.push(line),
    progress: () => undefined,
    colors: false,
    input: async function* () {
      yield Buffer.from(input);
    },
    signal: signal ?? new AbortController().signal,
    env,
  });
  const text = out.join('\n');
  return { code, out: text, err: err.join('\n'), json: () => JSON.parse(text) as unknown };
}
