// Guarantee: people of an agent see their agent and what stands below it, and nothing else: whatever tree there is and
// whatever they ask for, of every route, what lies outside does not exist for them, and its ids are in no answer.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createIdSource, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { paymentPosting, post } from "../../ledger/index.ts";
import { insertPayment, paid } from "../../ledger/testing/books.ts";
import { bindMerchant, createAgent, setAgentPrice } from "../agent/index.ts";
import { listCommissionSettlements, settleAgent } from "../commission/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { createUser, registerSessionRoutes } from "../user/index.ts";
import { openAgentScope, registerAgentPortal } from "./index.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const DAY_ms = 86_400_000;
const log = createLogger("silent");
const routes: { method: string; url: string }[] = [];
let database: TestDatabase;
let db: Database;
let server: ApiServer;
let given: {
  db: Database;
  sql: Database;
  clock: typeof clock;
  random: typeof systemRandom;
  ids: ReturnType<typeof createIdSource>;
  log: typeof log;
};

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 8, log, random: systemRandom });
  given = { db, sql: db, clock, random: systemRandom, ids: createIdSource(clock, systemRandom), log };
  const public_url = "https://pay.example";
  server = await createHttpServer({ ...given, base_url: public_url });
  registerSessionRoutes(server, { ...given, public_url });
  await server.register(async (agents) => {
    agents.addHook("onRoute", ({ method, url }) => {
      for (const one of [method].flat()) if (one !== "HEAD") routes.push({ method: one, url });
    });
    openAgentScope(agents, { ...given, public_url });
    registerAgentPortal(agents, given);
  });
});
afterAll(async () => {
  await server?.close();
  await db?.close();
  await database?.drop();
});

let people = 0;

async function signIn(agent_id: string): Promise<string> {
  people += 1;
  const input = { email: `p${people}@example.com`, name: "P", role: "agent", merchant_id: null, agent_id } as const;
  const { user, password } = await createUser(given, input);
  const payload = { email: user.email, password: password.reveal() };
  const answer = await server.inject({ method: "POST", url: "/console/session", payload });
  return /ses_\w+/.exec(String(answer.headers["set-cookie"]))![0];
}

const rate = (rate_ppm: bigint) => ({ rate_ppm, fixed_amount: 0n });

async function makeAgent(parent_id: string | null) {
  const agent = await db.transaction((tx) => createAgent(tx, given, { name: "agent", parent_id }));
  const price = { agent_id: agent.id, method: null, currency: "CNY", price: rate(4_000n), maximum: rate(9_000n) };
  await db.transaction((tx) => setAgentPrice(tx, given, price));
  return agent;
}

/** A merchant with one payment, of which everybody above it has earned something. */
async function makeMerchant(agent: Awaited<ReturnType<typeof makeAgent>>) {
  const merchant = await createMerchant(given, { name: "shop" });
  await bindMerchant(db, given, { merchant_id: merchant.id, agent_id: agent.id });
  const commissions = agent.path.map((agent_id) => ({ agent_id, amount: 5n }));
  const attempt = paid({ merchant_id: merchant.id, commissions, occurred_at: clock.now() });
  await insertPayment(db, attempt);
  await db.transaction((tx) => post(tx, [paymentPosting(attempt)], clock.now()));
  return merchant;
}

/** A tree in which each agent has a merchant and a settled month. */
async function makeTree(parents: readonly number[]) {
  const agents: Awaited<ReturnType<typeof makeAgent>>[] = [];
  for (const parent of parents) {
    const above = agents.length === 0 || parent % 4 === 0 ? undefined : agents[parent % agents.length];
    agents.push(await makeAgent(above?.id ?? null));
  }
  const merchants = await Promise.all(agents.map(makeMerchant));
  clock.advance(31 * DAY_ms);
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 10 } as const;
  const settlements: string[] = [];
  for (const { id: merchant_id } of agents) {
    await settleAgent(given, merchant_id);
    const [settlement] = await listCommissionSettlements(db, { merchant_id, livemode: true, month: null, page });
    settlements.push(settlement!.id);
  }
  return agents.map((agent, index) => ({ agent, merchant: merchants[index]!.id, settlement: settlements[index]! }));
}

type Place = Awaited<ReturnType<typeof makeTree>>[number];
const PRICE = { price: { rate_ppm: 5_000 }, maximum: { rate_ppm: 6_000 } };

/** Each route that names an object, with what it names, and whose it must be for an answer. */
const asks: readonly {
  route: string;
  url: (of: Place) => string;
  payload?: object;
  /** Of agents, whether the asker itself, or somebody directly or further below it, may be named. */
  allows: "self" | "within" | "child";
}[] = [
  {
    route: "GET /agent/v1/agents",
    url: ({ agent }) => `/agent/v1/agents?parent=${publicId("agent", agent.id)}`,
    allows: "within",
  },
  {
    route: "GET /agent/v1/agents/:id",
    url: ({ agent }) => `/agent/v1/agents/${publicId("agent", agent.id)}`,
    allows: "within",
  },
  {
    route: "GET /agent/v1/agents/:id/prices",
    url: ({ agent }) => `/agent/v1/agents/${publicId("agent", agent.id)}/prices`,
    allows: "within",
  },
  {
    route: "POST /agent/v1/agents/:id/prices",
    url: ({ agent }) => `/agent/v1/agents/${publicId("agent", agent.id)}/prices`,
    payload: PRICE,
    allows: "child",
  },
  {
    route: "GET /agent/v1/merchants",
    url: ({ agent }) => `/agent/v1/merchants?agent=${publicId("agent", agent.id)}`,
    allows: "within",
  },
  {
    route: "GET /agent/v1/merchants/:id",
    url: ({ merchant }) => `/agent/v1/merchants/${publicId("merchant", merchant)}`,
    allows: "within",
  },
  {
    route: "GET /agent/v1/commissions",
    url: ({ merchant }) => `/agent/v1/commissions?merchant=${publicId("merchant", merchant)}`,
    allows: "within",
  },
  ...["", "/lines", "/lines.csv"].map((more) => ({
    route: `GET /agent/v1/commission_settlements/:id${more}`,
    url: ({ settlement }: Place) =>
      `/agent/v1/commission_settlements/${publicId("commission_settlement", settlement)}${more}`,
    allows: "self" as const,
  })),
];

/** Routes that name nothing: what they answer is the asker's own. */
const own = [
  "GET /agent/v1/me",
  "POST /agent/v1/agents",
  "GET /agent/v1/agents",
  "GET /agent/v1/merchants",
  "GET /agent/v1/commission_settlements",
  "GET /agent/v1/balance",
];

test("every route is asked here", () => {
  const asked = new Set([...own, ...asks.map(({ route }) => route)]);
  expect(routes.map(({ method, url }) => `${method} ${url}`).filter((route) => !asked.has(route))).toEqual([]);
  expect(routes.length).toBeGreaterThan(10);
});

function isAllowed(allows: (typeof asks)[number]["allows"], asker: Place, target: Place): boolean {
  if (allows === "self") return target === asker;
  if (allows === "child") return target.agent.parent_id === asker.agent.id;
  return target.agent.path.includes(asker.agent.id);
}

test("whatever tree, whoever asks for whatever: it is within the subtree, or it does not exist", async () => {
  const seeds = fc.array(fc.nat(50), { minLength: 3, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(seeds, fc.nat(), async (parents, who) => {
      const places = await makeTree(parents);
      const asker = places[who % places.length]!;
      const headers = { authorization: `Bearer ${await signIn(asker.agent.id)}` };
      const outside = places.filter(({ agent }) => !agent.path.includes(asker.agent.id));
      const hidden = outside.flatMap(({ agent, merchant, settlement }) => [
        publicId("agent", agent.id),
        publicId("merchant", merchant),
        publicId("commission_settlement", settlement),
      ]);
      for (const { route, url, payload, allows } of asks) {
        for (const target of places) {
          const method = route.startsWith("POST") ? "POST" : "GET";
          const answer = await server.inject({ method, url: url(target), headers, ...(payload && { payload }) });
          const label = `${route} ${asker.agent.path.length} asks ${target.agent.path.length}`;
          if (isAllowed(allows, asker, target))
            expect([label, answer.statusCode < 300 || answer.statusCode === 409]).toEqual([label, true]);
          else expect([label, answer.statusCode === 404 || answer.statusCode === 403]).toEqual([label, true]);
          for (const id of hidden) expect(answer.body.includes(id) && !url(target).includes(id)).toBe(false);
        }
      }
      for (const route of own.filter((one) => one.startsWith("GET"))) {
        const answer = await server.inject({ method: "GET", url: route.slice(4), headers });
        expect(answer.statusCode).toBe(200);
        for (const id of hidden) expect(answer.body).not.toContain(id);
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);

test("what is within is all there, with the asker's own figures", async () => {
  const top = await makeAgent(null);
  const low = await makeAgent(top.id);
  const merchant = await makeMerchant(low);
  let headers = { authorization: `Bearer ${await signIn(top.id)}` };
  const get = async (url: string) => (await server.inject({ method: "GET", url, headers })).json();
  expect(await get("/agent/v1/balance")).toMatchObject({ balances: [{ currency: "CNY", available: 0, unsettled: 5 }] });
  expect((await get("/agent/v1/merchants")).data).toMatchObject([
    {
      id: publicId("merchant", merchant.id),
      agent: publicId("agent", low.id),
      figures: [{ currency: "CNY", payment_count: 0, unsettled: 5 }],
    },
  ]);
  const commissions = await get(`/agent/v1/commissions?merchant=${publicId("merchant", merchant.id)}`);
  expect(commissions.data).toMatchObject([{ type: "payment", method: "wechat.native", turnover: 10_000, amount: 5 }]);
  clock.advance(31 * DAY_ms);
  await settleAgent(given, top.id);
  headers = { authorization: `Bearer ${await signIn(top.id)}` };
  const [month] = (await get("/agent/v1/commission_settlements")).data;
  expect(month).toMatchObject({ status: "settled", amount: 5, merchant_count: 1 });
  const lines = await get(`/agent/v1/commission_settlements/${month.id}/lines`);
  expect(lines).toMatchObject({ has_more: false, data: [{ merchant_name: "shop", commission: 5 }] });
  const csv = await server.inject({
    method: "GET",
    url: `/agent/v1/commission_settlements/${month.id}/lines.csv`,
    headers,
  });
  expect(csv.body.split("\r\n")[1]).toContain("shop,wechat.native,1,100.00,0,0.00,0.05,0.00,0.05");
  expect(await get("/agent/v1/balance")).toMatchObject({ balances: [{ available: 5, unsettled: 0 }] });
  expect((await get("/agent/v1/merchants")).data[0].figures).toMatchObject([
    { payment_count: 1, turnover: 10_000, commission: 5, unsettled: 0 },
  ]);
});

test("an agent makes agents directly below it, once for each key, and gives them prices within its own limits", async () => {
  const top = await makeAgent(null);
  const headers = { authorization: `Bearer ${await signIn(top.id)}` };
  const make = (more: object = {}) =>
    server.inject({
      ...{ method: "POST", url: "/agent/v1/agents", payload: { name: "new" } },
      headers: { ...headers, ...more },
    });
  const [first, again] = [await make({ "idempotency-key": "k" }), await make({ "idempotency-key": "k" })];
  expect([first.statusCode, again.json().id]).toEqual([201, first.json().id]);
  expect(first.json()).toMatchObject({ parent: publicId("agent", top.id), level: 2 });
  const price = (payload: object, id = first.json().id) =>
    server.inject({ method: "POST", url: `/agent/v1/agents/${id}/prices`, payload, headers });
  expect((await price({ price: { rate_ppm: 3_999 } })).json().error.code).toBe("agent.price_out_of_range");
  const set = await price({ price: { rate_ppm: 4_200 }, method: "wechat.*" });
  expect(set.json()).toMatchObject({ method: "wechat.*", price: { rate_ppm: 4_200 }, maximum: { rate_ppm: 9_000 } });
  expect((await price({ price: { rate_ppm: 1 } }, publicId("agent", top.id))).json().error.code).toBe(
    "agent.not_directly_below",
  );
});

test("only people of an agent enter, and no other site acts in their browser", async () => {
  const top = await makeAgent(null);
  const person = { email: "op@example.com", name: "Op", role: "operator", merchant_id: null } as const;
  const { user, password } = await createUser(given, person);
  const payload = { email: user.email, password: password.reveal() };
  const signed = await server.inject({ method: "POST", url: "/console/session", payload });
  const operator = /ses_\w+/.exec(String(signed.headers["set-cookie"]))![0];
  const get = (headers: Record<string, string>) => server.inject({ method: "GET", url: "/agent/v1/me", headers });
  expect((await get({})).json().error.code).toBe("user.not_signed_in");
  expect((await get({ authorization: `Bearer ${operator}` })).json().error.code).toBe("agent.not_agent");
  const cookie = `tributary_session=${await signIn(top.id)}`;
  expect((await get({ cookie })).json()).toMatchObject({
    agent: { id: publicId("agent", top.id), parent: null, level: 1 },
  });
  const post = (headers: Record<string, string>) =>
    server.inject({ method: "POST", url: "/agent/v1/agents", payload: { name: "x" }, headers: { cookie, ...headers } });
  expect((await post({ "sec-fetch-site": "cross-site" })).json().error.code).toBe("agent.origin_refused");
  expect((await post({ "sec-fetch-site": "same-origin" })).statusCode).toBe(201);
});
