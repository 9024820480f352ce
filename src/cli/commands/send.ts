/** `millrace send <tenant> <file|->`: sends exceptions of a file through the API. */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { type Problem, ProblemError } from '../../core/errors.js';
import { createClient } from '../client.js';
import { documentsOf } from '../documents.js';
import { problemsFrom } from '../errors.js';
import { type Common, type Io, printJson, printProblems } from '../io.js';
import { type Sent, sendDocuments } from '../sender.js';

type Options = Common & { readonly source?: string };

export function addSend(program: Command, io: Io): void {
  program
    .command('send <tenant> <file>')
    .description('send exceptions: JSON, a list, or one a line; - reads standard input')
    .option('--source <name>', "read each document by this source of the tenant's pack")
    .action(async (tenant: string, file: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const target = { client: createClient(io, options), tenant, source: options.source, signal: io.signal };
      const json = options.json === true;
      const total = new Total(io, json);
      try {
        for await (const sent of sendDocuments(target, documentsOf(open(io, file)))) total.add(sent);
      } catch (error) {
        if (io.signal.aborted) throw error;
        total.end(problemsFrom(readable(error, file)));
        io.fail();
      }
      total.print(tenant);
      if (total.refused > 0) io.fail();
    });
}

const open = (io: Io, file: string): AsyncIterable<Uint8Array> => (file === '-' ? io.input() : createReadStream(file));

function readable(error: unknown, file: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof TypeError && code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    const hint = 'Convert the file to UTF-8.';
    return new ProblemError({ code: 'TEXT_INVALID_UNICODE', path: file, message: 'The file is not UTF-8.', hint });
  }
  if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') return error;
  return new ProblemError({ code: 'FILE_UNREADABLE', path: file, message });
}

const OUTCOMES = ['created', 'merged', 'resolving', 'ignored'] as const;
const MOST_LISTED = 1_000;
const MOST_PRINTED = 50; // more are for --json
const MOST_PROBLEMS = 100;
const EVERY = 10_000;

class Total {
  refused = 0;
  private accepted = 0;
  private readonly counts = { created: 0, merged: 0, resolving: 0, ignored: 0 };
  private readonly items: Sent['accepted'][number][] = [];
  private readonly problems: Problem[] = [];
  private told = 0;
  private isEnded = false;

  constructor(
    private readonly io: Io,
    private readonly json: boolean,
  ) {}

  add({ accepted, refused, problems }: Sent): void {
    this.refused += refused;
    this.accepted += accepted.length;
    for (const item of accepted) {
      this.counts[item.outcome]++;
      const { id, status, outcome, note } = item;
      if (this.items.length < MOST_LISTED)
        this.items.push({ id, status, outcome, ...(note !== undefined && { note }) });
    }
    for (const problem of problems) {
      if (this.problems.length >= MOST_PROBLEMS) continue;
      this.problems.push(problem);
      if (!this.json) printProblems(this.io, [problem], false);
    }
    this.progress();
  }

  private progress(): void {
    this.io.progress(this.words());
    const mark = Math.floor((this.accepted + this.refused) / EVERY);
    if (mark > this.told && !this.io.colors && !this.json) this.io.err(this.words());
    this.told = mark;
  }

  /** Sending ended early, because of these. */
  end(problems: readonly Problem[]): void {
    this.problems.push(...problems);
    this.isEnded = true;
    if (!this.json) printProblems(this.io, problems, false);
  }

  private words(): string {
    const parts = OUTCOMES.filter((outcome) => this.counts[outcome] > 0).map(
      (outcome) => `${this.counts[outcome]} ${outcome}`,
    );
    const details = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
    return `${this.accepted} accepted${details}${this.refused === 0 ? '' : `, ${this.refused} refused`}`;
  }

  print(tenant: string): void {
    this.io.progress('');
    if (this.json) {
      const { accepted, refused, counts, items, problems } = this;
      printJson(this.io, { accepted, refused, ...counts, items, problems });
      return;
    }
    if (this.isEnded && this.accepted + this.refused === 0) return;
    const [only, ...more] = this.items;
    if (only?.id && more.length === 0 && this.refused === 0)
      this.io.out(`${only.id}  ${only.outcome}  (millrace show ${tenant} ${only.id})`);
    else {
      if (this.items.length <= MOST_PRINTED)
        for (const { id, outcome, note } of this.items)
          this.io.out(`${id ?? '-'}  ${outcome}${note === undefined ? '' : `: ${note}`}`);
      this.io.out(`${this.words()}.`);
    }
  }
}
