// Guarantee: the state tables of sharings are sound, an order stands where its parts do, and what failed never counts.
import { describe, expect, test } from "vitest";
import { terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import {
  heldByReceiver,
  moveTransitions,
  orderTransitions,
  returnable,
  type SharingPart,
  statusByParts,
} from "./sharing.ts";

const part = (more: Partial<SharingPart>): SharingPart => ({
  ...{ merchant_id: "m", id: "p", order_id: "o", payment_id: "y", livemode: true, receiver_id: "r", mode: "channel" },
  ...{ receiver_merchant_id: null, sharing_no: "S", status: "succeeded", amount: 100n, currency: "CNY" },
  ...{ description: "", from_available: 0n, returned_amount: 0n, returning_amount: 0n, refunding_amount: 0n },
  ...{ retried: false, failure_code: null, failure_message: null, created_at: 0, finished_at: null, ...more },
});

describe("states", () => {
  test("are all reached; what moves money ends for good, and what failed of an order may be tried again", () => {
    expect(unreachableStates(orderTransitions, "scheduled")).toEqual([]);
    expect(unreachableStates(moveTransitions, "created")).toEqual([]);
    expect(terminalStates(orderTransitions)).toEqual(["succeeded"]);
    expect(terminalStates(moveTransitions)).toEqual(["succeeded", "failed"]);
  });

  test("of an order are those of its parts, without the ones that were retried", () => {
    const [good, bad, open] = [part({}), part({ status: "failed" }), part({ status: "unknown" })];
    expect(statusByParts([good, good])).toBe("succeeded");
    expect(statusByParts([good, bad])).toBe("partially_succeeded");
    expect(statusByParts([bad, bad])).toBe("failed");
    expect(statusByParts([good, bad, open])).toBe("processing");
    expect(statusByParts([good, { ...bad, retried: true }, good])).toBe("succeeded");
  });
});

describe("a part", () => {
  test("is the receiver's until it is known to have come back; what is on its way back is not asked for twice", () => {
    const one = part({ returned_amount: 10n, returning_amount: 20n, refunding_amount: 30n });
    expect(heldByReceiver(one)).toBe(60n);
    expect(returnable(one)).toBe(40n);
    expect(heldByReceiver(part({ status: "unknown" }))).toBe(100n);
    expect(returnable(part({ status: "unknown" }))).toBe(0n);
    expect(heldByReceiver(part({ status: "failed" }))).toBe(0n);
  });
});
