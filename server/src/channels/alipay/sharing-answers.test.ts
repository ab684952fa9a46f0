/**
 * Guarantee: an answer about a sharing is read by what it says about the parts that were asked for; a part that was not, a
 * state that nobody described and an answer about another trade end nothing.
 */
import { describe, expect, it } from "vitest";
import { money } from "../../kit/money.ts";
import { makeNumber, makePayInput } from "../conformance/harness.ts";
import type { ShareInput, SharingReceiver } from "../contract.ts";
import { alipay } from "./index.ts";
import { business, context, signed } from "./testing/answers.ts";

const { share, queryShare, release, addReceiver } = alipay.sharing!;
if ("converse" in share || "converse" in queryShare || "converse" in release || "converse" in addReceiver) {
  throw new Error("single exchanges were expected");
}

const attempt = { ...makePayInput("alipay.qr", "https://shop.example/n"), channel_trade_no: "20261120" };
const part = (receiver: SharingReceiver, fen: bigint) => ({ receiver, amount: money(fen, "CNY"), description: "x" });
const input: ShareInput = {
  attempt,
  sharing_no: makeNumber(),
  parts: [
    part({ kind: "user_id", account: "2088000000000011" }, 100n),
    part({ kind: "login_id", account: "a@example.com", name: "张三" }, 250n),
  ],
  final: false,
  created_at: attempt.created_at,
};
const mine = { operation_type: "transfer", trans_in_type: "userId", trans_in: "2088000000000011", amount: 1 };
const theirs = { operation_type: "transfer", trans_in_type: "userId", trans_in: "2088000000000022", amount: "2.50" };

const told = (details: object[], more: object = {}) =>
  queryShare.fromResponse(
    context,
    input,
    signed("alipay.trade.order.settle.query", {
      code: "10000",
      out_request_no: input.sharing_no,
      royalty_detail_list: details,
      ...more,
    }),
  );

describe("the query of a sharing", () => {
  it("finds a receiver who was named by a login under the user id that Alipay tells", async () => {
    const details = [
      { ...mine, state: "SUCCESS" },
      { ...theirs, state: "SUCCESS" },
    ];
    expect(await told(details)).toMatchObject({
      kind: "finished",
      parts: [{ receiver: { account: "2088000000000011" } }, { receiver: { account: "a@example.com" } }],
    });
  });

  it("does not end while a part is not told of, or nothing is", async () => {
    const partial = await told([{ ...mine, state: "SUCCESS" }]);
    expect(partial).toMatchObject({ kind: "pending", parts: [{ status: "succeeded" }, { status: "pending" }] });
    expect(await told([])).toMatchObject({ kind: "pending" });
  });

  it("leaves out what refunds took back, which is told in the same list", async () => {
    const back = { operation_type: "transfer_refund", trans_out: "2088000000000011", amount: 1, state: "SUCCESS" };
    expect(await told([{ ...mine, state: "SUCCESS" }, { ...theirs, state: "FAIL" }, back])).toMatchObject({
      kind: "finished",
      parts: [{ status: "succeeded" }, { status: "failed", failure: { code: "FAIL" } }],
    });
  });

  it.each([
    [[{ ...mine, amount: 2, state: "SUCCESS" }], {}, "integrity"],
    [
      [
        { ...mine, state: "SUCCESS" },
        { ...mine, state: "SUCCESS" },
      ],
      {},
      "integrity",
    ],
    [[{ ...mine, state: "TELEPORTED" }], {}, "unreadable"],
    [[{ ...mine, state: "SUCCESS" }], { out_request_no: "X".repeat(26) }, "integrity"],
  ])("does not know after answer %#", async (details, more, reason) => {
    expect(await told(details, more)).toMatchObject({ kind: "unknown", reason });
  });
});

describe("the answer to a sharing", () => {
  const settle = "alipay.trade.order.settle";

  it.each([
    [signed(settle, { code: "10000", trade_no: "20261120", settle_no: "1" }), "pending"],
    [signed(settle, { code: "10000", trade_no: "20261121" }), "unknown"],
    [business(settle, "ACQ.TRADE_SETTLE_ERROR"), "unknown"],
    [business(settle, "ACQ.SYSTEM_ERROR"), "unknown"],
    [business(settle, "ACQ.DISCORDANT_REPEAT_REQUEST"), "unknown"],
    [business(settle, "ACQ.A_CODE_OF_NEXT_YEAR"), "unknown"],
    [business(settle, "ACQ.TRADE_HAS_FINISHED"), "failed"],
  ])("is read as it stands, %#", async (answer, kind) => {
    expect(await share.fromResponse(context, input, answer)).toMatchObject({ kind });
    const released = await release.fromResponse(context, input, answer);
    expect(released).toMatchObject({ kind: kind === "pending" ? "succeeded" : kind });
  });
});

describe("a receiver", () => {
  it("is bound when Alipay says SUCCESS, and not otherwise", async () => {
    const { receiver } = input.parts[0]!;
    const bind = (result_code: string) =>
      addReceiver.fromResponse(
        context,
        receiver,
        signed("alipay.trade.royalty.relation.bind", { code: "10000", result_code }),
      );
    expect(await bind("SUCCESS")).toEqual({ kind: "succeeded" });
    expect(await bind("FAIL")).toMatchObject({ kind: "unknown" });
  });

  it("is asked for under a new number each time", async () => {
    const numberOf = async () => {
      const { body } = await addReceiver.toRequest(context, input.parts[0]!.receiver);
      return JSON.parse(new URLSearchParams(body).get("biz_content")!).out_request_no as string;
    };
    expect(await numberOf()).toMatch(/^\w{32}$/);
    expect(await numberOf()).not.toBe(await numberOf());
  });
});
