/** Row locks that are held to the end of a transaction, with waiting in order of arrival and detection of deadlocks. */
import { type StoreError, wrapStoreError } from '../../store/errors.js';

export interface LockOwner {
  readonly held: Set<string>;
  waitsFor: string | null;
}

interface Waiter {
  readonly owner: LockOwner;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Lock {
  owner: LockOwner;
  readonly queue: Waiter[];
}

/** The store's error for a SQLSTATE, as a driver would give it. */
export const refusal = (code: string, constraint?: string): StoreError =>
  wrapStoreError({ code, constraint }) as StoreError;

export class Locks {
  private readonly locks = new Map<string, Lock>();

  /** How many transactions wait now. */
  get waiting(): number {
    let count = 0;
    for (const { queue } of this.locks.values()) count += queue.length;
    return count;
  }

  /** Takes the lock if it is free or already this owner's. */
  tryTake(owner: LockOwner, key: string): boolean {
    const lock = this.locks.get(key);
    if (lock === undefined) this.locks.set(key, { owner, queue: [] });
    else if (lock.owner !== owner) return false;
    owner.held.add(key);
    return true;
  }

  isTakenByOther(owner: LockOwner, key: string): boolean {
    const lock = this.locks.get(key);
    return lock !== undefined && lock.owner !== owner;
  }

  /** Waits in line for a lock that another owner has. Rejects with 40P01 when that one waits for us. */
  wait(owner: LockOwner, key: string): Promise<void> {
    const lock = this.locks.get(key) as Lock;
    if (this.leadsTo(lock.owner, owner)) return Promise.reject(refusal('40P01'));
    owner.waitsFor = key;
    return new Promise((resolve, reject) => lock.queue.push({ owner, resolve, reject }));
  }

  /** Gives back one lock before the end of its transaction. */
  release(owner: LockOwner, key: string): void {
    owner.held.delete(key);
    const lock = this.locks.get(key);
    if (lock?.owner !== owner) return;
    const next = lock.queue.shift();
    if (next === undefined) {
      this.locks.delete(key);
      return;
    }
    lock.owner = next.owner;
    next.owner.held.add(key);
    next.owner.waitsFor = null;
    next.resolve();
  }

  releaseAll(owner: LockOwner): void {
    for (const key of owner.held) this.release(owner, key);
  }

  /** Takes the owner out of the line that it stands in; its wait rejects with `error`. */
  giveUp(owner: LockOwner, error: Error): void {
    const queue = owner.waitsFor === null ? undefined : this.locks.get(owner.waitsFor)?.queue;
    owner.waitsFor = null;
    const at = queue?.findIndex((waiter) => waiter.owner === owner) ?? -1;
    queue?.splice(at, 1)[0]?.reject(error);
  }

  private leadsTo(from: LockOwner, to: LockOwner): boolean {
    for (let at: LockOwner | undefined = from; at !== undefined; ) {
      if (at === to) return true;
      at = at.waitsFor === null ? undefined : this.locks.get(at.waitsFor)?.owner;
    }
    return false;
  }
}
