/**
 * Guarantee: a payer is named to Alipay as the application knows him, a user by his number or by an open id of the
 * application's own, from the authorization to what the paid trade says of him.
 */
import { describe, expect, it } from "vitest";
import { changeAccount, context as contextOf, makePayInput } from "../conformance/harness.ts";
import { codeOf, expectPending, useWorld } from "../conformance/subject.ts";
import { alipay } from "./index.ts";
import { context, signed } from "./testing/answers.ts";
import { subjectOf } from "./testing/subject.ts";

const world = useWorld(subjectOf("key"));

async function authorize(): Promise<string> {
  const { account, caller } = world();
  const address = alipay.identity!.authorizeUrl(account, "https://shop.example/back", "s");
  const answer = await fetch(`${address}&payer=someone`, { redirect: "manual" });
  const code = new URL(answer.headers.get("location")!).searchParams.get("auth_code")!;
  const outcome = await caller.identify(alipay, account, code);
  if (outcome.kind !== "identified") throw new Error(`a payer was expected, not ${outcome.kind}`);
  return outcome.payer;
}

describe("an application with open ids", () => {
  it("learns, pays by and is told the same open id", async () => {
    const { account, caller, control, merchant, receiver } = world();
    const user = await authorize();
    expect(user).toMatch(/^2088\d{12}$/);
    await control.post("merchants", { channel: "alipay", app_id: merchant, payer_id: "open_id" });
    const payer = await authorize();
    expect(payer).toMatch(/^0[\w-]{43}$/);
    const input = makePayInput("alipay.jsapi", receiver.url, { payer: { buyer_id: payer } });
    const code = codeOf(expectPending(await caller.pay(alipay, account, input)));
    // It is the same person, in Alipay's own eyes.
    expect(await control.post("pay", { code })).toMatchObject({ payer: user });
    expect(await caller.query(alipay, account, input)).toMatchObject({ kind: "succeeded", payment: { payer } });
    const notice = await alipay.readNotice(contextOf(account), await receiver.next(input.serial_no));
    expect(notice).toMatchObject({ kind: "payment_succeeded", payment: { payer } });
    // Alipay refuses a user id of such an application.
    const byUser = makePayInput("alipay.jsapi", receiver.url, { payer: { buyer_id: user } });
    expect(await caller.pay(alipay, account, byUser)).toMatchObject({
      kind: "failed",
      failure: { code: "ACQ.INVALID_PARAMETER" },
    });
    await control.post("merchants", { channel: "alipay", app_id: merchant, payer_id: "user_id" });
  });
});

describe("an account that says how payers are named", () => {
  const { exchange } = alipay.identity!;
  const token = signed("alipay.system.oauth.token", { user_id: "2088000000000044", open_id: "0abc" });
  const identify = (payer_id: "user_id" | "open_id" | undefined, answer = token) => {
    const account = changeAccount(context.account, payer_id ? { config: { payer_id } } : {});
    return exchange.fromResponse({ ...context, account }, { code: "x" }, answer);
  };

  it.each([
    ["user_id", "2088000000000044"],
    ["open_id", "0abc"],
    [undefined, "2088000000000044"],
  ] as const)("%s takes that name from an authorization that gives both", async (payer_id, payer) => {
    expect(await identify(payer_id)).toEqual({ kind: "identified", payer });
  });

  it("does not take the other name", async () => {
    const userOnly = signed("alipay.system.oauth.token", { user_id: "2088000000000044" });
    expect(await identify("open_id", userOnly)).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });

  it.each([
    ["user_id", "0abc", "buyer_id"],
    ["open_id", "2088000000000044", "buyer_open_id"],
    [undefined, "0abc", "buyer_open_id"],
    [undefined, "2088000000000044", "buyer_id"],
  ] as const)("%s sends %s as %s", async (payer_id, buyer, field) => {
    const account = changeAccount(context.account, payer_id ? { config: { payer_id } } : {});
    const operation = alipay.pay["alipay.jsapi"]!;
    if (!("toRequest" in operation)) throw new Error("a single exchange was expected");
    const input = makePayInput("alipay.jsapi", "https://shop.example/n", { payer: { buyer_id: buyer } });
    const { body } = await operation.toRequest({ ...context, account }, input);
    expect(JSON.parse(new URLSearchParams(body).get("biz_content")!)[field]).toBe(buyer);
  });
});
