// Guarantee: the state table of refunds is sound, and an ended refund stays ended.
import { describe, expect, test } from "vitest";
import { terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import { isAutomatic, isOpenRefund, refundTransitions } from "./refund.ts";

describe("refunds", () => {
  test("reach every state, and end succeeded or failed", () => {
    expect(unreachableStates(refundTransitions, "returning")).toEqual([]);
    expect(terminalStates(refundTransitions)).toEqual(["succeeded", "failed"]);
    const open = (Object.keys(refundTransitions) as (keyof typeof refundTransitions)[]).filter((status) =>
      isOpenRefund({ status }),
    );
    expect(open).toEqual(["created", "sent", "unknown"]);
  });

  test("without the merchant's number are the platform's own", () => {
    expect([isAutomatic({ out_refund_no: null }), isAutomatic({ out_refund_no: "1" })]).toEqual([true, false]);
  });
});
