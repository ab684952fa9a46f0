/**
 * What the suite has tested of a channel, as cells of capability and fact. Each test of the suite is listed here with what
 * it covers; a run keeps the cells of the tests that ran beside the suite, and `docs/COVERAGE.md` is made of them.
 */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { Channel } from "../contract.ts";
import { type Capability, type Cell, cell, type Fact } from "./coverage-cells.ts";
import { ownTests } from "./coverage-own.ts";

const exchange: Readonly<Record<string, Fact>> = {
  http_500: "server_error",
  system_error: "server_error",
  service_unavailable: "server_error",
  rate_limit: "rate_limit",
  bad_signature: "bad_signature",
  no_signature: "bad_signature",
  html: "unreadable",
  empty: "unreadable",
};
const untruths: Readonly<Record<string, Fact>> = {
  amount: "integrity_amount",
  currency: "integrity_currency",
  number: "integrity_number",
  merchant: "integrity_merchant",
};

const troubleOf = (fault: string): Fact => exchange[fault] ?? "unreadable";
const untruthOf = (fault: string): Fact => untruths[fault.split("_").at(-1)!] ?? "integrity_number";
const cells = (capability: Capability, ...facts: Fact[]): Cell[] => facts.map((fact) => cell(capability, fact));

/** By the describe block of the suite, a part of each test's title and what it covers. `%s` stands for one word. */
const suite: Readonly<Record<string, readonly (readonly [string, (word: string) => Cell[]])[]>> = {
  accounts: [
    ["finds nothing wrong with a good account", () => cells("account", "success")],
    ["names the private key that is missing", () => cells("account", "wrong_credentials", "secrecy")],
    ["refuses fields that it does not know", () => cells("account", "explicit_failure")],
    ["does not need the clock", () => []],
    ["does not know the payer after %s", (fault) => cells("identity", troubleOf(fault))],
    ["learns the payer's identity from a code, once", () => cells("identity", "success", "idempotent_repeat")],
  ],
  configuration: [
    ["describes every field of the schema", () => cells("account", "described")],
    ["refuses an account whose credential has expired", () => cells("account", "expired_key")],
    [
      "connects with a good account",
      () => cells("connection", "success", "wrong_credentials", "unreadable", "not_sent"),
    ],
  ],
  payments: [
    ["goes from order to paid", () => [...cells("pay", "success", "pending"), ...cells("query", "success")]],
    ["tells an unseen order, a seen one", () => cells("query", "pending", "not_found")],
    [
      "takes a refusal as a failure only where the channel is explicit",
      () => [...cells("pay", "explicit_failure", "wrong_credentials"), ...cells("query", "wrong_credentials")],
    ],
    ["says not_sent when the account cannot sign", () => cells("pay", "not_sent")],
    ["answers the same order again", () => cells("pay", "idempotent_repeat")],
    ["the same number is asked for with another amount", () => cells("pay", "conflicting_repeat")],
    ["does not know when a paid order is asked for again", () => cells("pay", "conflicting_repeat")],
    ["after a timeout before the effect", () => cells("pay", "unknown_before")],
    ["after a timeout after the effect", () => cells("pay", "unknown_after")],
    ["does not know after %s", (fault) => [...cells("pay", troubleOf(fault)), ...cells("query", troubleOf(fault))]],
    ["does not believe a close after %s", (fault) => cells("close", troubleOf(fault))],
    ["calls a well-signed %s an integrity error", (fault) => cells("query", untruthOf(fault))],
    ["does not believe the state of another order either", () => cells("query", "integrity_number")],
    ["clock is a quarter of an hour ahead", () => cells("query", "clock_skew")],
    ["closes an unpaid order, also twice", () => cells("close", "success", "idempotent_repeat")],
    ["cannot close what is paid", () => cells("close", "explicit_failure", "not_found")],
    ["who won when payer and close race", () => cells("close", "race")],
    ["cancels an unpaid order", () => cells("cancel", "success")],
  ],
  refunds: [
    ["gives money back in parts", () => [...cells("refund", "success"), ...cells("refund_query", "success")]],
    ["moves no more money when the same refund", () => cells("refund", "idempotent_repeat")],
    ["a refund number that was used for another amount", () => cells("refund", "conflicting_repeat")],
    ["when two refunds of the whole race", () => cells("refund", "race")],
    ["the same refund is asked for many times at once", () => cells("refund", "race", "idempotent_repeat")],
    ["fails when more is asked for than was paid", () => cells("refund", "explicit_failure")],
    ["when the merchant's balance is short", () => cells("refund", "explicit_failure")],
    ["finds no refund that was never asked for", () => cells("refund_query", "not_found")],
    ["is pending while the channel works", () => [...cells("refund", "pending"), ...cells("refund_query", "pending")]],
    ["never succeeds when the channel gives the refund up", () => cells("refund_query", "explicit_failure")],
    ["does not know after a timeout", () => cells("refund", "unknown_before", "unknown_after")],
    [
      "does not know after %s",
      (fault) => [...cells("refund", troubleOf(fault)), ...cells("refund_query", troubleOf(fault))],
    ],
    ["calls a well-signed %s an integrity error", (fault) => cells("refund_query", untruthOf(fault))],
  ],
  notices: [
    ["states the payment exactly as the query does", () => cells("notice", "success", "duplicate")],
    ["is acknowledged in the channel's own way", () => cells("notice", "duplicate")],
    ["does not survive the comparison when it is a %s", (fault) => cells("notice", untruthOf(fault))],
    ["may be lost", () => cells("notice", "lost")],
    ["may overtake one another", () => cells("notice", "reordered")],
    ["may come long after", () => cells("notice", "late")],
    ["is refused when it is %s", () => cells("notice", "tampered")],
    ["is refused by the account of another merchant", () => cells("notice", "stranger")],
    ["any one byte of it is changed", () => cells("notice", "tampered")],
    ["without an exception, when it is anything else", () => cells("notice", "unreadable")],
  ],
  hostility: [
    [
      "does not know after a bare status %s",
      (status) => cells("pay", status === "429" ? "rate_limit" : "server_error"),
    ],
    ["does not know when nobody listens", () => cells("pay", "unknown_before")],
    ["does not follow a redirect", () => cells("pay", "hostile_peer")],
    ["speaks no HTTP, or hangs up", () => cells("pay", "hostile_peer")],
    ["stops reading an answer of 100 MB", () => cells("pay", "hostile_peer")],
    ["stops waiting for an answer that drips", () => cells("pay", "hostile_peer")],
    [
      "believes no unsigned answer",
      () => (["pay", "query", "refund", "refund_query"] as const).flatMap((name) => cells(name, "bad_signature")),
    ],
    [
      "reads nothing certain out of trouble",
      () => (["pay", "query", "refund", "refund_query"] as const).flatMap((name) => cells(name, "unreadable")),
    ],
    ["trusts a new key of the channel", () => [...cells("query", "key_rotation"), ...cells("notice", "key_rotation")]],
    [
      "still reads what was told under the keys before",
      () => [...cells("query", "key_rotation"), ...cells("notice", "key_rotation")],
    ],
    ["writes neither keys nor payers into the log", () => cells("account", "secrecy")],
  ],
  bills: [
    ["are not there for a day that is not over", () => cells("bills", "pending")],
    ["hold the day's payments and refunds", () => cells("bills", "success")],
    ["are not known from a peer", () => cells("bills", "hostile_peer")],
    ["of the money's movements are read", () => cells("bills", "success")],
    ["are refused as a whole", () => cells("bills", "tampered")],
    ["are read line by line", () => cells("bills", "success")],
    ["are given as the channel gives them", () => cells("bills", "tampered")],
    ["are no bill of a day on which nothing happened", () => cells("bills", "not_found")],
    ["are not known after %s", (fault) => cells("bills", troubleOf(fault), "unreadable")],
    ["are not known when their file meets %s", () => cells("bills", "unreadable")],
    ["are not fetched from an address", () => cells("bills", "hostile_peer")],
  ],
  "code payments": [
    ["takes the money at once", () => cells("barcode", "success")],
    ["waits for a payer who must confirm", () => cells("barcode", "pending")],
    ["a payer who is %s is refused", () => cells("barcode", "explicit_failure")],
    ["does not know after %s: the query says", (fault) => cells("barcode", barcodeFact(fault))],
    ["fails before anything is sent without a code", () => cells("barcode", "not_sent", "wrong_credentials")],
    ["cancels an order that waits", () => cells("barcode", "cancel")],
    ["gives the money of a paid order back", () => cells("barcode", "cancel")],
    ["says of an order that does not exist", () => cells("barcode", "not_found")],
    ["does not know when it cancels too soon", () => cells("barcode", "race")],
    ["does not know after %s", (fault) => cells("barcode", troubleOf(fault))],
    ["calls a well-signed %s an integrity error", (fault) => cells("barcode", untruthOf(fault))],
    ["never writes a payer's code into the log", () => cells("barcode", "secrecy")],
  ],
};

function barcodeFact(fault: string): Fact {
  if (fault === "timeout_before") return "unknown_before";
  return fault === "timeout_after" ? "unknown_after" : "server_error";
}

/** The cells of one test of the suite; undefined when nobody has said what it covers. */
function cellsOf(block: string, title: string): Cell[] | undefined {
  for (const [part, cover] of suite[block] ?? []) {
    const pattern = part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace("%s", "(\\w+)");
    const match = new RegExp(pattern).exec(title);
    if (match) return cover(match[1] ?? "");
  }
  return undefined;
}

interface Ran {
  readonly blocks: readonly string[];
  readonly title: string;
}

/** The tests of this file that ran, by the title of each subject of the suite. */
const ran: Ran[] = [];
const titles = new Set<string>();

/** Called outside any describe block: notes each test of the file that begins. */
export function recordCoverage(title: string): void {
  titles.add(title);
  if (titles.size > 1) return;
  beforeEach(({ task }) => {
    const blocks: string[] = [];
    for (let at = task.suite; at; at = at.suite) if (at.name !== "") blocks.unshift(at.name);
    ran.push({ blocks, title: task.name });
  });
}

const ofSuite = () => ran.filter(({ blocks }) => blocks[1] !== undefined && titles.has(blocks[0]!));

/**
 * Holds the channel's cells to what is kept of them, which `vitest run -u` renews. Called last in its conformance test.
 * Tests outside the suite count where `ownTests` lists them.
 */
export function describeCoverage(channel: Channel): void {
  describe("coverage", () => {
    it("is known of every test of the suite", () => {
      const unknown = ofSuite().filter(({ blocks, title }) => cellsOf(blocks[1]!, title) === undefined);
      expect(
        unknown.map(({ blocks, title }) => `${blocks[1]} > ${title}`),
        "say in conformance/coverage.ts what these tests cover",
      ).toEqual([]);
    });

    it("is what is kept of it", async () => {
      const covered = new Set<Cell>(ofSuite().flatMap(({ blocks, title }) => cellsOf(blocks[1]!, title) ?? []));
      for (const { file, title, cells: own } of ownTests[channel.id] ?? []) {
        const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
        expect(text, `${file} has no test "${title}" any more: see conformance/coverage-own.ts`).toContain(title);
        for (const one of own) covered.add(one);
      }
      const text = `${JSON.stringify([...covered].sort(), null, 2)}\n`;
      await expect(text).toMatchFileSnapshot(`../conformance/coverage/${channel.id}.json`);
    });
  });
}
