/** Guarantee: the requests that the guide to operations shows are answered as it says, in their order. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { publicId } from "../../kit/id.ts";

const guide = readFileSync(new URL("../../../../docs/guides/operations.md", import.meta.url), "utf8");
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

interface Shown {
  path: string;
  key: string | undefined;
  body: unknown;
}

/** The requests to the operators' API: address, key and body of each `curl`. */
function readRequests(): Shown[] {
  const lines = guide.split("\n").filter((line) => line.startsWith("curl ") && line.includes("/operator/v1"));
  return lines.map((line) => {
    const filled = line.replaceAll("$MERCHANT", merchant);
    const [, path] = /\$BASE\/operator\/v1(\/[^\s"]*)/.exec(filled)!;
    const data = / -d "((?:[^"\\]|\\.)*)"/.exec(filled)?.[1];
    const key = /Idempotency-Key: ([^']+)/.exec(filled)?.[1];
    return { path: path!, key, body: data === undefined ? undefined : JSON.parse(data.replaceAll('\\"', '"')) };
  });
}

test("each request of the guide is answered", async () => {
  const requests = readRequests();
  expect(requests.length).toBeGreaterThan(6);
  const answers = [];
  for (const { path, key, body } of requests) {
    const headers = key === undefined ? {} : { "idempotency-key": key };
    const answer = await ann.call(body === undefined ? "GET" : "POST", path, body, headers);
    expect([path, answer.status < 300], answer.text).toEqual([path, true]);
    answers.push(answer.body);
  }
  const types = answers.filter(({ object }) => object === "account_operation").map(({ type }) => type);
  expect(types).toEqual(["freeze", "unfreeze", "adjust"]);
  expect(answers.at(-1).data.map(({ operation }: { operation: string }) => operation)).toEqual(
    types.map(() => "createAccountOperation"),
  );
});

test("every kind of approval that the guide names exists", () => {
  const kinds = [...platform.services.approval.handlers.keys()].filter((kind) => kind.startsWith("account."));
  expect(kinds.filter((kind) => !guide.includes(kind) && !guide.includes(`\`.${kind.split(".")[1]}\``))).toEqual([]);
});
