/** Work that is done in groups, because a group costs little more than one. */

/** Splits items into groups of so many at most. */
export function inGroups<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/**
 * Does the work of a group. If it fails, its halves are tried, so that one item whose work cannot be done holds up nobody
 * else; what failed at last is thrown when the others are done.
 */
export async function workInHalves<Item>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<void>,
): Promise<void> {
  if (items.length === 0) return;
  try {
    await work(items);
  } catch (error) {
    if (items.length === 1) throw error;
    const half = items.length >> 1;
    const parts = [items.slice(0, half), items.slice(half)].map((part) => workInHalves(part, work));
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
    if (failed) throw failed.reason;
  }
}
