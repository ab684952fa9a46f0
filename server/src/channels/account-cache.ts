import { LRUCache } from "lru-cache";
import type { ChannelAccount } from "./contract.ts";

/** Accounts whose parsed keys are kept in memory. A parsed RSA key takes a few kilobytes; parsing one takes about 0.1 ms. */
const ACCOUNTS_MAX = 4096;

/**
 * Remembers what `open` makes of an account (its parsed keys) per account id and version, so that a payment parses no
 * PEM. What `open` throws is not remembered.
 */
export function memoizeByAccount<Opened extends object>(
  open: (account: ChannelAccount) => Opened,
): (account: ChannelAccount) => Opened {
  const cache = new LRUCache<string, Opened>({ max: ACCOUNTS_MAX });
  return (account) => {
    const key = `${account.id}:${account.version}`;
    const known = cache.get(key);
    if (known) return known;
    const opened = open(account);
    cache.set(key, opened);
    return opened;
  };
}
