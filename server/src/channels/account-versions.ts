import type { ChannelAccount } from "./contract.ts";

/**
 * Reads what a channel signed, by the account's newest keys or, where these refuse it, by those that it held a short time
 * ago: the channel may have signed before they were replaced, or go on with its old key for a while.
 * @returns what the first version makes of it that does not refuse; the newest's refusal when all do
 */
export async function readByVersions<Result>(
  account: ChannelAccount,
  read: (account: ChannelAccount) => Result | Promise<Result>,
  isRefused: (result: Result) => boolean,
): Promise<Result> {
  const newest = await read(account);
  if (!isRefused(newest)) return newest;
  for (const version of account.previous ?? []) {
    const result = await read(version);
    if (!isRefused(result)) return result;
  }
  return newest;
}

/** Whether an outcome is that the signature of the channel's answer is not good. */
export function isBadSignature(outcome: unknown): boolean {
  const { kind, reason } = outcome as { kind?: string; reason?: string };
  return kind === "unknown" && reason === "bad_signature";
}
