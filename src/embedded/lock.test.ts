import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { lockFolder } from './lock.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'));
const home = join(folder, 'deep', 'home');
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('a folder that is not there is made, held, and free again after its release', () => {
  const lock = lockFolder(home);
  expect(readFileSync(join(home, 'lock'), 'utf8')).toBe(String(process.pid));
  lock.release();
  lockFolder(home).release();
});

it('a folder that a running process holds is refused with its number', () => {
  lockFolder(home).release();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  try {
    writeFileSync(join(home, 'lock'), String(other.pid));
    expect(() => lockFolder(home)).toThrow(`held by the process ${other.pid}`);
  } finally {
    other.kill();
  }
});

it('what a dead process held is taken over', () => {
  lockFolder(home).release();
  writeFileSync(join(home, 'lock'), '999999999');
  lockFolder(home).release();
});

it('a folder that cannot be written is one clear line', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => lockFolder(join(folder, 'file', 'home'))).toThrow('HOME_NOT_WRITABLE');
});
