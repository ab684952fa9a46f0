/**
 * Guarantees: what of an account expires is warned of once at each step, in the log and, for a merchant's own account, by
 * an event of each of its apps, however many workers look; an account whose certificate has expired can still be renamed
 * and disabled, and is not enabled.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  createAccountUpkeep,
  getChannelAccount,
  listAccountExpiries,
  listChannelAccounts,
  updateChannelAccount,
} from "./index.ts";

const DAY_MS = 86_400_000;
const lines: string[] = [];
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, logs: { write: (line) => void lines.push(line) } });
}, 60_000);
afterAll(() => platform?.close());

const given = () => ({ ...platform.services, getChannel: platform.services.payment.getChannel });
const expiriesOf = async (id: string) => (await listAccountExpiries(given(), [id], platform.clock.now())).get(id) ?? [];

/** Log lines about the expiry of this account since the last call. */
function takeWarnings(account: string): { level: string; days_left: number }[] {
  const taken = lines.splice(0).map((line) => JSON.parse(line));
  return taken.filter((line) => line.channel_account === account && "days_left" in line);
}

test("each step is told once, to the log and to the owner's apps, also when two workers look", async () => {
  const { accounts, merchant_id, key } = platform.direct;
  const [soonest] = await expiriesOf(accounts.wechat);
  expect(soonest!.days_left).toBeGreaterThan(30);
  platform.clock.advance(soonest!.expires_at - platform.clock.now() - 20 * DAY_MS);
  lines.length = 0;
  const kick = { webhooks() {} };
  const workers = [1, 2].map(() => createAccountUpkeep({ ...given(), kick }));
  await Promise.all(workers.map((worker) => worker.drain()));
  const found = await expiriesOf(accounts.wechat);
  const due = found.filter(({ days_left }) => days_left <= 30);
  expect(takeWarnings(accounts.wechat)).toHaveLength(due.length);
  platform.clock.advance(DAY_MS);
  for (const worker of workers) await worker.drain();
  expect(takeWarnings(accounts.wechat)).toEqual([]);
  platform.clock.advance(18 * DAY_MS);
  for (const worker of workers) await worker.drain();
  expect(takeWarnings(accounts.wechat).map(({ days_left }) => days_left)).toContain(1);
  const { data } = await platform.get("/v1/events?type=channel_account.credential_expiring&limit=100", { key });
  const id = publicId("channel_account", accounts.wechat);
  const told = data.filter((event: Json) => event.data.object.id === id);
  expect(told).toHaveLength(2 * due.length);
  expect(told[0].data.object).toMatchObject({
    id,
    object: "channel_account",
    channel: "wechat",
    credential: { expires_at: toRfc3339(soonest!.expires_at), label: { zh: expect.any(String) } },
  });
  expect((await getChannelAccount(platform.services.db, accounts.wechat)).owner_merchant_id).toBe(merchant_id);
  // The platform's own account is told of in the log alone.
  const pooled = await platform.get("/v1/events?type=channel_account.credential_expiring");
  expect(pooled.data).toEqual([]);
});

test("an account whose certificate has expired is disabled and renamed, but not enabled", async () => {
  const { wechat } = platform.direct.accounts;
  platform.clock.advance(30 * DAY_MS);
  expect((await expiriesOf(wechat))[0]!.days_left).toBeLessThan(0);
  await updateChannelAccount(given(), wechat, { status: "disabled" });
  await updateChannelAccount(given(), wechat, { name: "Old" });
  const all = await listChannelAccounts(platform.services.db, null, 100);
  expect(all.find(({ id }) => id === wechat)).toMatchObject({ status: "disabled", name: "Old", version: 1 });
  const enabled = updateChannelAccount(given(), wechat, { status: "enabled" });
  await expect(enabled).rejects.toThrow(/expired at/);
});
