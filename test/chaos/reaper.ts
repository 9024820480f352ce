/** Ends the processes that are left when this one is gone, even by SIGKILL: a shell that waits for its standard input. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

const SCRIPT = `
trap '' INT TERM
list=""
while read -r word pid; do
  case "$word" in
    add) list="$list $pid" ;;
    drop) rest=""; for one in $list; do [ "$one" = "$pid" ] || rest="$rest $one"; done; list="$rest" ;;
  esac
done
for one in $list; do kill -KILL "$one" 2>/dev/null; done`;

export class Reaper {
  private readonly shell: ChildProcessWithoutNullStreams;

  constructor() {
    this.shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true });
    this.shell.stdin.on('error', () => undefined); // the shell is gone: so is what it watched
    this.shell.unref();
  }

  add(pid: number): void {
    this.shell.stdin.write(`add ${pid}\n`);
  }

  drop(pid: number): void {
    this.shell.stdin.write(`drop ${pid}\n`);
  }

  close(): void {
    this.shell.stdin.end();
  }
}
