/** Row locks that are held to the end of a transaction, with waiting in order of arrival and detection of deadlocks. */
import { type StoreError, wrapStoreError } from '../../store/errors.js';

export interface LockOwner {
  readonly held: Lock[];
  waitsFor: Lock | null;
}

interface Waiter {
  readonly owner: LockOwner;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A lock that somebody holds, or held: it is kept, for most are taken again. */
export class Lock {
  readonly queue: Waiter[] = [];
  constructor(public owner: LockOwner | null) {}
}

/** The store's error for a SQLSTATE, as a driver would give it. */
export const refusal = (code: string, constraint?: string): StoreError =>
  wrapStoreError({ code, constraint }) as StoreError;

/** Locks are named by a space, as a table, and a key in it: two names need not be put together for each of them. */
export class Locks {
  private readonly spaces = new Map<string, Map<string, Lock>>();

  /** How many transactions wait now. */
  get waiting(): number {
    let count = 0;
    for (const locks of this.spaces.values()) for (const { queue } of locks.values()) count += queue.length;
    return count;
  }

  /** Takes the lock if it is free or already this owner's. */
  tryTake(owner: LockOwner, space: string, key: string): boolean {
    let locks = this.spaces.get(space);
    if (locks === undefined) {
      locks = new Map();
      this.spaces.set(space, locks);
    }
    const lock = locks.get(key);
    if (lock !== undefined && lock.owner !== null) return lock.owner === owner;
    const taken = lock ?? new Lock(owner);
    if (lock === undefined) locks.set(key, taken);
    taken.owner = owner;
    owner.held.push(taken);
    return true;
  }

  isTakenByOther(owner: LockOwner, space: string, key: string): boolean {
    const lock = this.spaces.get(space)?.get(key);
    return lock !== undefined && lock.owner !== null && lock.owner !== owner;
  }

  /** Waits in line for a lock that another owner has. Rejects with 40P01 when that one waits for us. */
  wait(owner: LockOwner, space: string, key: string): Promise<void> {
    const lock = this.spaces.get(space)?.get(key) as Lock;
    if (leadsTo(lock, owner)) return Promise.reject(refusal('40P01'));
    owner.waitsFor = lock;
    return new Promise((resolve, reject) => lock.queue.push({ owner, resolve, reject }));
  }

  /** Gives back one lock before the end of its transaction. */
  release(owner: LockOwner, space: string, key: string): void {
    const lock = this.spaces.get(space)?.get(key);
    if (lock?.owner !== owner) return;
    owner.held.splice(owner.held.indexOf(lock), 1);
    give(lock);
  }

  releaseAll(owner: LockOwner): void {
    for (const lock of owner.held) give(lock);
    owner.held.length = 0;
  }

  /** Takes the owner out of the line that it stands in; its wait rejects with `error`. */
  giveUp(owner: LockOwner, error: Error): void {
    const queue = owner.waitsFor?.queue;
    owner.waitsFor = null;
    const at = queue?.findIndex((waiter) => waiter.owner === owner) ?? -1;
    queue?.splice(at, 1)[0]?.reject(error);
  }
}

/** To the next in line, or to nobody. */
function give(lock: Lock): void {
  const next = lock.queue.shift();
  lock.owner = next?.owner ?? null;
  if (next === undefined) return;
  next.owner.held.push(lock);
  next.owner.waitsFor = null;
  next.resolve();
}

/** Whether who holds the lock waits, by others or not, for this owner. */
function leadsTo(lock: Lock, to: LockOwner): boolean {
  for (let at: Lock | null = lock; at !== null; at = at.owner?.waitsFor ?? null) if (at.owner === to) return true;
  return false;
}
