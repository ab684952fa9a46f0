/** Bounds how many calls are under way at once, how many wait for a place, and how long. */

export interface BulkheadRules {
  readonly concurrent_max: number;
  readonly waiting_max: number;
  readonly wait_ms: number;
}

export interface Bulkhead {
  /** True at once when a place is free, else once one is; false when too many wait or it took too long. */
  enter(): true | Promise<boolean>;
  /** Gives back the place of a call that entered. */
  leave(): void;
  readonly active: number;
  readonly waiting: number;
  /** Whether `enter` would refuse at once. */
  readonly full: boolean;
}

interface Waiter {
  readonly admit: (entered: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/** First come, first served. */
export function createBulkhead({ concurrent_max, waiting_max, wait_ms }: BulkheadRules): Bulkhead {
  const waiters = new Set<Waiter>();
  let active = 0;

  function wait(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      waiters.delete(waiter);
      resolve(false);
    }, wait_ms);
    const waiter: Waiter = { admit: resolve, timer };
    waiters.add(waiter);
    return promise;
  }

  const isFull = () => active >= concurrent_max && waiters.size >= waiting_max;
  return {
    enter() {
      if (active < concurrent_max) {
        active += 1;
        return true;
      }
      return isFull() ? Promise.resolve(false) : wait();
    },
    leave() {
      const [next] = waiters;
      if (!next) {
        active -= 1;
        return;
      }
      // The place passes on, so nobody who comes later overtakes.
      waiters.delete(next);
      clearTimeout(next.timer);
      next.admit(true);
    },
    get active() {
      return active;
    },
    get waiting() {
      return waiters.size;
    },
    get full() {
      return isFull();
    },
  };
}
