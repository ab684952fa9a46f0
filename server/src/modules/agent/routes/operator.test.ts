// Guarantee: operators build and price a tree of agents, bind merchants, make agents' people and settle months by the API, each
// once for its key, and each in the audit trail.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOperator, type TestOperator } from "../../../../../test/platform/operators.ts";
import { type Platform, startPlatform } from "../../../../../test/platform/platform.ts";
import type { Json } from "../../../../../test/platform/sandbox-control.ts";
import { publicId } from "../../../kit/id.ts";

let platform: Platform;
let ann: TestOperator;

beforeAll(async () => {
  platform = await startPlatform();
  ann = await createOperator(platform, "ann");
});
afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const make = (body: object): Promise<Json> => ann.post("/agents", body);

test("a tree, prices, whose merchants are, moves, months", async () => {
  const top = await make({ name: "North", time_zone: "Asia/Tokyo" });
  const low = await make({ name: "City", parent: top.id });
  expect(low).toMatchObject({ object: "agent", parent: top.id, path: [top.id, low.id], level: 2 });
  expect((await ann.get(`/agents?parent=${top.id}`)).data).toEqual([low]);
  expect((await ann.get(`/agents?within=${low.id}`)).data).toEqual([low]);
  expect(await ann.get(`/agents/${low.id}`)).toEqual(low);

  const price = await ann.post(`/agents/${top.id}/prices`, {
    ...{ price: { rate_ppm: 3_800 }, minimum: { rate_ppm: 4_000 }, maximum: { rate_ppm: 9_000, fixed_amount: 10 } },
  });
  expect(price).toMatchObject({ currency: "CNY", method: null, default: { rate_ppm: 4_000, fixed_amount: 0 } });
  const refused = await ann.call("POST", `/agents/${low.id}/prices`, { price: { rate_ppm: 3_900 } });
  expect([refused.status, refused.body.error.code]).toEqual([409, "agent.price_out_of_range"]);
  await ann.post(`/agents/${low.id}/prices`, { price: { rate_ppm: 4_200 }, method: "wechat.*" });
  expect((await ann.get(`/agents/${low.id}/prices`)).data).toMatchObject([{ method: "wechat.*" }]);

  const merchant = publicId("merchant", platform.merchant.merchant_id);
  expect(await ann.post("/agent_bindings", { merchant, agent: low.id })).toMatchObject({ merchant, agent: low.id });
  expect(await ann.post("/agent_bindings", { merchant, agent: null })).toMatchObject({ agent: null });

  expect(await ann.post(`/agents/${low.id}/move`, { parent: null })).toMatchObject({ parent: null, level: 1 });
  const wrong = await ann.call("POST", `/agents/${top.id}/move`, { parent: top.id });
  expect([wrong.status, wrong.body.error.code]).toEqual([409, "agent.move_refused"]);
  expect((await ann.call("POST", `/agents/${top.id}/commission_settlements`, {})).body.data).toEqual([]);
  expect((await ann.get(`/agents/${top.id}/commission_settlements`)).data).toEqual([]);
});

test("an agent's person is made with a password that is shown once", async () => {
  const agent = await make({ name: "West" });
  const body = { email: "li@example.com", name: "李" };
  const { password, ...user } = await ann.post("/users", { ...body, agent: agent.id });
  expect(user).toMatchObject({ role: "agent", agent: agent.id, merchant: null });
  const credentials = { email: user.email, password };
  const signed = await platform.call("POST", "/console/session", credentials, { key: null });
  expect(signed.body.user).toMatchObject({ role: "agent", agent: agent.id });
  expect((await ann.call("POST", "/users", { ...body, email: "x@example.com" })).body.error.code).toBe("user.invalid");
});

test("the same again, with the same key, makes nothing", async () => {
  const headers = { "idempotency-key": "agent-1" };
  const [first, again] = [
    await ann.call("POST", "/agents", { name: "Once" }, headers),
    await ann.call("POST", "/agents", { name: "Once" }, headers),
  ];
  expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
  const trail = (await ann.get("/actions?operation=createAgent")).data;
  expect(trail.map((action: Json) => action.status).sort()).toEqual([200, ...Array(trail.length - 1).fill(201)]);
});
