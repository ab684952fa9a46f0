/**
 * Guarantees: operators do by the API what the command line does, with the same refusals; what makes something makes it once
 * for each Idempotency-Key; a password is shown once; and nobody makes an operator by the API.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { publicId } from "../../kit/id.ts";

let platform: Platform;
let ann: TestOperator;
let merchant: string;

beforeAll(async () => {
  platform = await startPlatform();
  ann = await createOperator(platform, "ann");
  merchant = publicId("merchant", platform.merchant.merchant_id);
}, 60_000);
afterAll(async () => {
  expect(await platform?.findFaults()).toEqual([]);
  await platform?.close();
});

/** Sends a request twice under one key: the second makes nothing and shows what the first made. */
async function postTwice(path: string, body: object): Promise<{ first: Json; second: Json }> {
  const headers = { "idempotency-key": `${path} ${JSON.stringify(body)}`.replace(/[^!-~]/g, "").slice(0, 200) };
  const [one, two] = [await ann.call("POST", path, body, headers), await ann.call("POST", path, body, headers)];
  expect([one.status, two.status, two.headers["idempotent-replayed"]], one.text).toEqual([201, 200, "true"]);
  return { first: one.body, second: two.body };
}
const refusal = async (path: string, body: object) => {
  const answer = await ann.call("POST", path, body);
  return [answer.status, answer.body.error?.code];
};

test("merchants are created once, listed, found by name, read, suspended and let in again", async () => {
  // Ids of one moment have no order.
  platform.clock.advance(1);
  const { first, second } = await postTwice("/merchants", { name: "Tea House 茶馆", time_zone: "Asia/Tokyo" });
  expect(second).toEqual(first);
  expect(first).toMatchObject({ object: "merchant", status: "active", time_zone: "Asia/Tokyo" });
  expect(await ann.get(`/merchants/${first.id}`)).toEqual(first);
  expect((await ann.get("/merchants?name=tea%20h")).data).toEqual([first]);
  expect((await ann.get("/merchants?status=closed")).data).toEqual([]);
  const [newest] = (await ann.get("/merchants?limit=1")).data;
  expect(newest).toEqual(first);
  expect((await ann.get(`/merchants?limit=5&starting_after=${newest.id}`)).data).not.toContainEqual(first);
  expect(await refusal("/merchants", { name: "x", time_zone: "Mars" })).toEqual([400, "merchant.invalid"]);
  const status = `/merchants/${merchant}/status`;
  expect(await refusal(status, { status: "suspended" })).toEqual([400, "request.invalid"]);
  expect(await ann.post(status, { status: "suspended", reason: "Papers" })).toMatchObject({ status: "suspended" });
  // Processes hear of it by a notification, which takes its time.
  const says = async () => (await platform.call("GET", "/v1/balance")).body.error?.code;
  await expect.poll(says, { timeout: 10_000 }).toBe("identity.merchant_inactive");
  await ann.post(status, { status: "active", reason: "Papers came" });
  await expect.poll(says, { timeout: 10_000 }).toBeUndefined();
});

test("balances and entries are what the merchant sees, in both books and at a past instant", async () => {
  const before = new Date(platform.clock.now()).toISOString();
  await platform.advance(1_000);
  const payment = await platform.post("/v1/payments", paymentBody());
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  const [own, seen] = [
    await platform.get("/v1/balance"),
    await ann.get(`/merchants/${merchant}/balance?livemode=false`),
  ];
  expect(seen).toEqual(own);
  expect(seen.balances[0].pending).toBeGreaterThan(0);
  expect((await ann.get(`/merchants/${merchant}/balance`)).balances).toEqual([]);
  const past = await ann.get(`/merchants/${merchant}/balance?livemode=false&at=${before}`);
  expect(past.balances.every(({ pending }: Json) => pending === 0)).toBe(true);
  const entries = await ann.get(`/merchants/${merchant}/balance_entries?livemode=false&account=pending&limit=1`);
  expect(entries.data).toEqual((await platform.get("/v1/balance/entries?account=pending&limit=1")).data);
});

test("settings are set and shown, and a merchant is settled once for each key", async () => {
  const path = `/merchants/${merchant}/settlement_settings`;
  const body = { livemode: false, currency: "CNY", cycle: "T+1", run_at: "03:30", minimum_amount: 1 };
  const settings = await ann.post(path, body);
  expect(settings).toMatchObject({ cycle: "T+1", calendar: "china", run_at: "03:30", minimum_amount: 1 });
  expect((await ann.get(path)).data).toEqual([settings]);
  expect(await refusal(path, { ...body, cycle: "never" })).toEqual([400, "settlement.settings_invalid"]);
  await platform.advance(1);
  const now = { livemode: false, currency: "CNY" };
  const { first, second } = await postTwice(`/merchants/${merchant}/settlements`, now);
  expect(second).toEqual(first);
  expect((await platform.get("/v1/settlements")).data).toEqual([first]);
  expect((await ann.get(`/merchants/${merchant}/settlements?livemode=false`)).data).toEqual([first]);
  const nothing = await refusal(`/merchants/${merchant}/settlements`, now);
  expect(nothing).toEqual([409, "settlement.nothing_to_settle"]);
  const other = await refusal(`/merchants/${merchant}/settlements`, { ...now, currency: "USD" });
  expect(other).toEqual([409, "settlement.settings_missing"]);
});

test("what is held back is set, listed, and released early by two operators", async () => {
  const path = `/merchants/${merchant}/reserve_settings`;
  const settings = await ann.post(path, {
    livemode: false,
    currency: "CNY",
    rolling_rate_ppm: 100_000,
    rolling_days: 9,
  });
  expect(settings).toMatchObject({ object: "reserve_settings", fixed_amount: 0, covers_refunds: true });
  expect((await ann.get(path)).data).toEqual([settings]);
  expect(await refusal(path, { livemode: false, currency: "CNY", rolling_days: 9 })).toEqual([
    400,
    "reserve.settings_invalid",
  ]);
  await platform.sandbox.pay(codeOf(await platform.post("/v1/payments", paymentBody())));
  await platform.settle();
  await platform.advance(1);
  const settled = await ann.post(`/merchants/${merchant}/settlements`, { livemode: false, currency: "CNY" });
  const [part] = (await ann.get(`/merchants/${merchant}/reserves?livemode=false&status=held`)).data;
  expect(part).toMatchObject({ settlement: settled.id, held: settled.reserved, kind: "rolling" });
  const release = `/merchants/${merchant}/reserves/${part.id}/release`;
  const { first, second } = await postTwice(release, { reason: "A good year" });
  expect(second).toEqual(first);
  expect(await refusal(`/approvals/${first.id}/approve`, {})).toEqual([403, "approval.own_request"]);
  const ben = await createOperator(platform, "ben");
  expect(await ben.post(`/approvals/${first.id}/approve`, {})).toMatchObject({ status: "approved" });
  expect(await platform.get(`/v1/reserves/${part.id}`)).toMatchObject({ held: 0, released: part.amount });
  expect(await refusal(release, { reason: "Again" })).toEqual([409, "reserve.amount_exceeds_held"]);
  expect((await ann.post(path, { livemode: false, currency: "CNY" })).rolling_rate_ppm).toBe(0);
});

test("fee rules are added once, listed as the merchant sees them, and ended", async () => {
  const path = `/merchants/${merchant}/fee_rules`;
  const body = { livemode: false, currency: "CNY", rate_ppm: 5_000, method: "alipay.*", floor_amount: 1 };
  const { first, second } = await postTwice(path, body);
  expect(second).toEqual(first);
  expect(first).toMatchObject({ object: "fee_rule", rate_ppm: 5_000, method: "alipay.*", refund_returns_fee: true });
  expect((await ann.get(`${path}?livemode=false`)).data).toContainEqual(first);
  expect((await platform.get("/v1/fee_rules")).data).toContainEqual(first);
  expect(await refusal(path, { ...body, method: "cash.counter" })).toEqual([400, "fee.invalid_rule"]);
  const quota = { period: "day", count: 5 };
  const promotion = await ann.post(path, { ...body, rate_ppm: 0, quota });
  expect(promotion.quota).toMatchObject(quota);
  const ended = await ann.post(`${path}/${first.id}/end`, { reason: "New prices" });
  expect(ended.effective_until).not.toBeNull();
  expect((await ann.get(`${path}?livemode=false&in_force=true`)).data).not.toContainEqual(first);
  expect(await refusal(`${path}/${first.id}/end`, { reason: "Again" })).toEqual([409, "fee.rule_ended"]);
  expect(await refusal(`${path}/fee_x/end`, { reason: "x" })).toEqual([404, "fee.rule_not_found"]);
});

test("a merchant's people are made once, with a password that is shown once, kept out and given another password", async () => {
  const body = { email: "Clerk@Example.com", name: "店员", merchant };
  const { first, second } = await postTwice("/users", body);
  const { password, ...user } = first;
  expect(password).toMatch(/.{12,}/);
  expect(second).toEqual(user);
  expect(user).toMatchObject({ email: "clerk@example.com", role: "merchant", merchant, status: "active" });
  expect((await ann.get(`/users?merchant=${merchant}`)).data).toEqual([user]);
  const signIn = async (given: string) =>
    (await platform.call("POST", "/console/session", { email: user.email, password: given }, { key: null })).status;
  expect(await signIn(password)).toBe(201);
  const replaced = await ann.post(`/users/${user.id}/new_password`, { reason: "Forgotten" });
  expect([await signIn(password), await signIn(replaced.password)]).toEqual([401, 201]);
  expect(await ann.post(`/users/${user.id}/disable`, { reason: "Left" })).toMatchObject({ status: "disabled" });
  expect(await signIn(replaced.password)).toBe(401);
  expect(await ann.post(`/users/${user.id}/enable`, { reason: "Back" })).toMatchObject({ status: "active" });
  expect(await refusal("/users", body)).toEqual([409, "user.email_taken"]);
  // What is in the trail holds no password.
  const trail = JSON.stringify((await ann.get("/actions?limit=100")).data);
  expect(trail).toContain("replaceUserPassword");
  expect(trail).not.toContain(replaced.password);
});

test("nobody makes an operator, or takes one's place, by the API", async () => {
  const operator = { email: "second@example.com", name: "Second", merchant, role: "operator" };
  expect(await refusal("/users", operator)).toEqual([400, "request.invalid"]);
  const [own] = (await ann.get("/users?role=operator")).data;
  expect(await refusal(`/users/${own.id}/new_password`, { reason: "x" })).toEqual([400, "user.invalid"]);
});
