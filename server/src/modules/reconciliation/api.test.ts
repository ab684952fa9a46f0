// Guarantee: operators read days, differences and cases by API, page by page, act on cases, match a day again and ask for its
// closing; what does not exist is not found, and a comment is made once.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { parsePublicId, publicId } from "../../kit/id.ts";
import { systemRandom } from "../../kit/random.ts";
import { decideApproval } from "../approval/index.ts";
import { openOperatorScope } from "../operator/index.ts";
import { createUser, registerSessionRoutes } from "../user/index.ts";
import { registerReconciliationRoutes } from "./index.ts";
import {
  lineOf,
  loadLines,
  openAccount,
  openMerchant,
  openOperator,
  openWorld,
  pay,
  registerHandlers,
  today,
  type World,
} from "./testing/days.ts";

const ROOT = "/operator/v1/reconciliation";
let world: World;
let server: ApiServer;
let token: string;
let checker: string;
let day: string;

beforeAll(async () => {
  world = await openWorld();
  registerHandlers(world);
  checker = await openOperator(world, "checker");
  const given = { ...world.services, sql: world.services.db, random: systemRandom };
  server = await createHttpServer({ ...given, base_url: "https://pay.example" });
  registerSessionRoutes(server, { ...given, public_url: "https://pay.example" });
  await server.register(async (operator) => {
    openOperatorScope(operator, { ...given, public_url: "https://pay.example" });
    registerReconciliationRoutes(operator, world.services);
  });
  const input = { email: "ann@example.com", name: "ann", role: "operator", merchant_id: null } as const;
  const { user, password } = await createUser(given, input);
  const payload = { email: user.email, password: password.reveal() };
  const answer = await server.inject({ method: "POST", url: "/console/session", payload });
  token = /ses_\w+/.exec(String(answer.headers["set-cookie"]))![0];
  const channel_account_id = await openAccount(world, { carry_days: 0 });
  const merchant_id = await openMerchant(world);
  const key = { channel_account_id, day: today(world) };
  const [first, second] = [
    await pay(world, { merchant_id, channel_account_id }),
    await pay(world, { merchant_id, channel_account_id }),
  ];
  await pay(world, { merchant_id, channel_account_id });
  await loadLines(world, key, [lineOf(first), lineOf(second, { amount: 9_000n })]);
  day = `${ROOT}/accounts/${publicId("channel_account", channel_account_id)}/days/${key.day}`;
});
afterAll(async () => {
  await server?.close();
  await world?.close();
});

async function send(method: "GET" | "POST", url: string, payload?: object, headers: Record<string, string> = {}) {
  const body = payload === undefined ? {} : { payload };
  const answer = await server.inject({
    method,
    url,
    ...body,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  return { status: answer.statusCode, body: answer.json() };
}
const get = async (url: string) => (await send("GET", url)).body;
const post = (url: string, payload: object = {}, headers = {}) => send("POST", url, payload, headers);

test("a day is matched, read, and its differences are listed", async () => {
  expect((await post(`${day}/run`)).body).toMatchObject({
    ...{ object: "reconciliation_day", state: "open", matched: 1, bills: [{ kind: "trade", version: 1, lines: 2 }] },
    obstacle: "2 open differences are above the limit of 0.",
  });
  const listed = await get(`${ROOT}/days?from=2026-01-01&to=2026-12-31`);
  expect(listed.data).toMatchObject([
    { state: "open", figures: [{ currency: "CNY", ours: { payments: { count: 3 } } }] },
  ]);
  const page = await get(`${day}/differences?limit=1`);
  expect([page.data.length, page.has_more]).toEqual([1, true]);
  const rest = await get(`${day}/differences?limit=5&starting_after=${page.data[0].id}`);
  const types = [...page.data, ...rest.data].map(({ type, state }: { type: string; state: string }) => [type, state]);
  expect(types.sort()).toEqual([
    ["amount", "open"],
    ["ours_only", "open"],
  ]);
  expect((await get(`${day}/differences?type=amount`)).data).toMatchObject([
    { ours: { amount: 10_000, fee: 38 }, channel: { amount: 9_000 }, at_risk: 1_000 },
  ]);
});

test("a case is looked into, commented on once, and decided by another operator", async () => {
  const { data } = await get(`${ROOT}/cases?state=open`);
  expect(data).toHaveLength(2);
  const url = `${ROOT}/cases/${data[0].id}`;
  expect((await post(`${url}/assign`)).body).toMatchObject({ owner: expect.stringMatching(/^usr_/), state: "open" });
  const once = { "idempotency-key": "c1" };
  await post(`${url}/comment`, { text: "Asked." }, once);
  const { body } = await post(`${url}/comment`, { text: "Asked." }, once);
  expect(body.comments).toMatchObject([{ author: "ann@example.com", text: "Asked." }]);
  const proposed = await post(`${url}/propose`, { action: "write_off", reason: "Lost." });
  expect(proposed).toMatchObject({ status: 200, body: { state: "proposed", action: "write_off" } });
  expect(await post(`${url}/propose`, { action: "write_off", reason: "Lost." })).toMatchObject({ status: 400 });
  const id = parsePublicId("approval", proposed.body.approval)!;
  await decideApproval(world.services.approval, { id, decision: "approve", checker_id: checker });
  expect(await get(url)).toMatchObject({ state: "resolved", outcome: "decided" });
  expect((await post(`${url}/reopen`)).body).toMatchObject({ state: "open", reopened: 1 });
  expect(await post(`${url}/propose`, { action: "sell", reason: "x" })).toMatchObject({ status: 400 });
});

test("a day is closed over what is open when another operator agrees", async () => {
  await post(`${day}/run`);
  const asked = await post(`${day}/close`, { reason: "The channel is asked." });
  expect(asked).toMatchObject({ status: 200, body: { object: "reconciliation_close" } });
  const id = parsePublicId("approval", asked.body.approval)!;
  await decideApproval(world.services.approval, { id, decision: "approve", checker_id: checker });
  expect((await post(`${day}/run`)).body).toMatchObject({
    ...{ state: "closed", obstacle: null, reason: "The channel is asked.", approved_by: publicId("user", checker) },
  });
});

test("what does not exist is not found", async () => {
  expect((await send("GET", `${ROOT}/cases/rcc_0`)).status).toBe(404);
  expect((await send("GET", day.replace(/\d\d$/, "01"))).status).toBe(404);
  expect((await send("GET", `${ROOT}/accounts/x/days/2026-01-01`)).status).toBe(404);
  expect((await get(`${ROOT}/cases?account=x`)).data).toEqual([]);
});
