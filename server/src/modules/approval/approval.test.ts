/**
 * Guarantees: what one operator asks for, another decides, and nobody decides what they asked for, in code or in the
 * database; a decision and its effect are one: a handler that refuses leaves it pending; of decisions at the same moment one
 * counts; without a policy it is done at once and recorded; nobody decides what has expired.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock, type ManualClock } from "../../kit/clock.ts";
import { defineErrors } from "../../kit/error.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase, type Transaction } from "../../kit/sql/database.ts";
import { unreachableStates } from "../../kit/state-machine.ts";
import { createUser } from "../user/index.ts";
import { type Approval, needsChecker, transitions } from "./approval.ts";
import {
  type ApprovalRequest,
  type ApprovalServices,
  cancelApproval,
  createApprovalWorker,
  decideApproval,
  listApprovals,
  loadApproval,
  registerApprovalHandlers,
  requestApproval,
  setApprovalPolicy,
  withdrawApproval,
} from "./index.ts";
import { insertApproval } from "./store.ts";

const DAY_MS = 86_400_000;
const refusals = defineErrors({
  "test.refused": { type: "conflict_error", status: 409, message: "Not now.", retryable: false, outcome: "none" },
});
let database: TestDatabase;
let db: Database;
let clock: ManualClock;
let services: ApprovalServices;
let maker: string;
let checker: string;
let third: string;
let done: string[];
let refusing: boolean;
let failing: Error | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  clock = createManualClock(1_795_176_000_000);
  const log = createLogger("silent");
  db = openDatabase({ url: database.url, connections_max: 8, log, random: systemRandom });
  const ids = createIdSource(clock, systemRandom);
  services = { db, clock, ids, log, handlers: new Map() };
  const make = async (name: string) => {
    const input = { email: `${name}@example.com`, name, role: "operator", merchant_id: null } as const;
    return (await createUser({ sql: db, clock, ids, random: systemRandom }, input)).user.id;
  };
  [maker, checker, third] = [await make("maker"), await make("checker"), await make("third")];
  registerApprovalHandlers(services, {
    "test.act": {
      async approve(_tx, { id, status }, afterCommit) {
        if (refusing) throw refusals["test.refused"]();
        done.push(`${status} ${id}`);
        afterCommit(() => done.push("after"));
      },
      async reject(_tx, { id, status }) {
        done.push(`${status} ${id}`);
      },
    },
    "test.bare": { approve: async () => undefined },
    "test.later": {
      approve: async () => undefined,
      async carryOut({ id }) {
        if (failing) throw failing;
        done.push(`carried out ${id}`);
      },
    },
  });
});
beforeEach(async () => {
  [done, refusing, failing] = [[], false, undefined];
  await setApprovalPolicy(services, { kind: "test.act", currency: "*", above: 0n });
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

async function request(changes: Partial<ApprovalRequest> = {}): Promise<Approval> {
  // Lists run by time.
  clock.advance(1);
  const { approval, committed } = await db.transaction((tx) => requestIn(tx, changes));
  committed();
  return approval;
}

function requestIn(tx: Transaction, changes: Partial<ApprovalRequest>) {
  return requestApproval(tx, services, {
    ...{ kind: "test.act", merchant_id: null, livemode: null, payload: { a: 1 }, reason: " because " },
    ...{ maker: { type: "user", id: maker }, ...changes },
  });
}

const decide = (id: string, decision: "approve" | "reject", checker_id = checker, comment: string | null = "seen") =>
  decideApproval(services, { id, decision, checker_id, comment });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "none").catch((error: { code?: string }) => error.code);

test("the states are sound", () => {
  expect(unreachableStates(transitions, "pending")).toEqual([]);
});

test("what another operator approves is carried out, once, and what waits for the commit comes after it", async () => {
  const approval = await request();
  expect([approval.status, approval.reason, done]).toEqual(["pending", "because", []]);
  const decided = await decide(approval.id, "approve");
  expect(decided).toMatchObject({ status: "approved", checker_id: checker, comment: "seen", payload: { a: 1 } });
  expect(done).toEqual([`approved ${approval.id}`, "after"]);
  expect(await loadApproval(db, approval.id)).toEqual(decided);
  // The same again, whose answer was lost, is answered; anything else comes too late.
  expect(await decide(approval.id, "approve")).toEqual(decided);
  expect(await codeOf(decide(approval.id, "approve", third))).toBe("approval.not_pending");
  expect(await codeOf(decide(approval.id, "reject"))).toBe("approval.not_pending");
  expect(done).toHaveLength(2);
});

test("of ten decisions at the same moment one counts", async () => {
  const { id } = await request();
  const codes = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      codeOf(decide(id, index % 2 === 0 ? "approve" : "reject", index % 4 < 2 ? checker : third)),
    ),
  );
  // Those who said the same as the one who counted, in the same name, have their answer.
  expect(codes.filter((code) => code === "none").length).toBeLessThanOrEqual(3);
  expect(codes.filter((code) => code === "approval.not_pending").length).toBeGreaterThanOrEqual(7);
  expect(done.filter((line) => line.endsWith(id))).toHaveLength(1);
});

test("nobody decides what they asked for: not by the code, and not by the database", async () => {
  const approval = await request();
  expect(await codeOf(decide(approval.id, "approve", maker))).toBe("approval.own_request");
  expect(await codeOf(decide(approval.id, "reject", maker))).toBe("approval.own_request");
  const forged = {
    ...approval,
    id: services.ids.uuid(),
    status: "approved",
    decided_at: 0,
    checker_id: maker,
  } as const;
  const error = await db.transaction((tx) => insertApproval(tx, forged, null)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ constraint: "approvals_four_eyes" });
  expect((await loadApproval(db, approval.id))?.status).toBe("pending");
});

test("a handler that refuses leaves it pending", async () => {
  const { id } = await request();
  refusing = true;
  expect(await codeOf(decide(id, "approve"))).toBe("test.refused");
  expect((await loadApproval(db, id))?.status).toBe("pending");
  refusing = false;
  expect((await decide(id, "approve")).status).toBe("approved");
});

test("who rejects says why, and the handler hears of it", async () => {
  const { id } = await request();
  expect(await codeOf(decide(id, "reject", checker, null))).toBe("approval.invalid");
  expect((await decide(id, "reject")).status).toBe("rejected");
  expect(done).toEqual([`rejected ${id}`]);
});

test("only the maker cancels", async () => {
  const { id } = await request();
  expect(await codeOf(cancelApproval(services, { id, user_id: checker }))).toBe("approval.not_maker");
  expect((await cancelApproval(services, { id, user_id: maker })).status).toBe("cancelled");
  expect((await cancelApproval(services, { id, user_id: maker })).status).toBe("cancelled");
  expect(done).toEqual([`cancelled ${id}`]);
  expect(await codeOf(decide(id, "approve"))).toBe("approval.not_pending");
  expect(await codeOf(cancelApproval(services, { id: services.ids.uuid(), user_id: maker }))).toBe(
    "approval.not_found",
  );
});

test("the module that asked may withdraw it, without its handler, until it is decided", async () => {
  const { id } = await request({ maker: { type: "api_key", id: services.ids.uuid() } });
  expect(await db.transaction((tx) => withdrawApproval(tx, services, id))).toBe(true);
  expect(await db.transaction((tx) => withdrawApproval(tx, services, id))).toBe(false);
  expect([(await loadApproval(db, id))?.status, done]).toEqual(["cancelled", []]);
});

test("without a policy it is carried out at once, in the maker's transaction, and recorded", async () => {
  await setApprovalPolicy(services, { kind: "test.act", currency: "*", above: null });
  const approval = await request();
  expect(approval).toMatchObject({ status: "approved", checker_id: null, maker: { type: "user", id: maker } });
  expect(done).toEqual([`approved ${approval.id}`, "after"]);
  refusing = true;
  const before = (await listAll()).length;
  expect(await codeOf(request())).toBe("test.refused");
  expect(await listAll()).toHaveLength(before);
  expect((await request({ check: "always" })).status).toBe("pending");
});

test("a policy's amount is exclusive, and a currency's own comes before that of all", async () => {
  const policy = (currency: string, above: bigint) => ({ kind: "k", currency, above, updated_at: 0 });
  const policies = [policy("*", 100n), policy("JPY", 5_000n)];
  const needs = (amount: bigint | null, currency: string | null) => needsChecker(policies, { amount, currency });
  expect([needs(100n, "CNY"), needs(101n, "CNY")]).toEqual([false, true]);
  expect([needs(5_000n, "JPY"), needs(5_001n, "JPY")]).toEqual([false, true]);
  expect(needs(null, null)).toBe(true);
  expect(needsChecker([policy("JPY", 0n)], { amount: 1n, currency: "CNY" })).toBe(false);
  expect(needsChecker([policy("JPY", 0n)], { amount: null, currency: null })).toBe(false);
});

test("policies name kinds that exist, and currencies", async () => {
  const set = (kind: string, currency: string, above: bigint) => setApprovalPolicy(services, { kind, currency, above });
  expect(await codeOf(set("test.none", "*", 0n))).toBe("approval.invalid");
  expect(await codeOf(set("test.act", "yuan", 0n))).toBe("approval.invalid");
  expect(await codeOf(set("test.act", "CNY", -1n))).toBe("approval.invalid");
});

test("after seven days nobody decides it, and the worker ends it", async () => {
  const worker = createApprovalWorker(services);
  const [late, soon] = [await request(), await request({ expires_at: clock.now() + 1_000 })];
  clock.advance(1_000);
  expect(await codeOf(decide(soon.id, "approve"))).toBe("approval.not_pending");
  await worker.drain();
  expect((await loadApproval(db, soon.id))?.status).toBe("expired");
  expect((await loadApproval(db, late.id))?.status).toBe("pending");
  clock.advance(7 * DAY_MS);
  await Promise.all([worker.drain(), createApprovalWorker(services).drain()]);
  expect((await loadApproval(db, late.id))?.status).toBe("expired");
  expect(done.filter((line) => line === `expired ${late.id}`)).toHaveLength(1);
});

test("what is done outside a transaction is done after the decision, and again by a worker until it is", async () => {
  const later = { kind: "test.later", check: "always" } as const;
  const smooth = await request(later);
  expect(await decide(smooth.id, "approve")).toMatchObject({ carried_out_at: clock.now(), problem: null });
  expect(done).toEqual([`carried out ${smooth.id}`]);
  failing = new Error("the channel does not answer");
  const rough = await request(later);
  expect(await decide(rough.id, "approve")).toMatchObject({ status: "approved", carried_out_at: null, problem: null });
  const worker = createApprovalWorker(services);
  await worker.drain();
  failing = undefined;
  await worker.drain();
  expect(done).toHaveLength(1);
  clock.advance(60_000);
  await worker.drain();
  expect((await loadApproval(db, rough.id))?.carried_out_at).toBe(clock.now());
  clock.advance(60_000);
  await worker.drain();
  expect(done).toEqual([`carried out ${smooth.id}`, `carried out ${rough.id}`]);
});

test("what is refused after the decision is shown, and not tried for ever", async () => {
  failing = refusals["test.refused"]();
  const { id } = await request({ kind: "test.later", check: "always" });
  expect(await decide(id, "approve")).toMatchObject({ carried_out_at: null, problem: "test.refused: Not now." });
  failing = undefined;
  clock.advance(3_600_000);
  await createApprovalWorker(services).drain();
  expect(done).toEqual([]);
});

test("without a policy a worker does it where the process of the maker died after the commit", async () => {
  const approval = await request({ kind: "test.later" });
  expect([approval.status, approval.carried_out_at, done]).toEqual(["approved", null, []]);
  clock.advance(60_000);
  await createApprovalWorker(services).drain();
  expect(done).toEqual([`carried out ${approval.id}`]);
});

test("a reason is needed", async () => {
  expect(await codeOf(request({ reason: "  " }))).toBe("approval.invalid");
  expect(await codeOf(request({ reason: "x".repeat(501) }))).toBe("approval.invalid");
});

test("lists are filtered and paged", async () => {
  const merchant_id = services.ids.uuid();
  const made = [await request({ merchant_id, livemode: true }), await request({ merchant_id, livemode: true })];
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 10 } as const;
  const list = async (filter: object) =>
    (await listApprovals(db, { status: null, kind: null, merchant_id, ...filter }, page)).map(({ id }) => id);
  expect(await list({})).toEqual([made[1]!.id, made[0]!.id]);
  expect(await list({ status: "approved" })).toEqual([]);
  expect(await list({ kind: "test.bare" })).toEqual([]);
  await decide(made[0]!.id, "approve");
  expect(await list({ status: "approved" })).toEqual([made[0]!.id]);
});

function listAll() {
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 1_000 } as const;
  return listApprovals(db, { status: null, kind: null, merchant_id: null }, page);
}
