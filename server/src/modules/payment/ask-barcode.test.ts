// Guarantee: an order made by the payer's code that can no longer be cancelled ends as its channel says that it stands, and
// one of which the channel says nothing certain is asked about until it does, and shown to a person.
import { beforeEach, expect, test } from "vitest";
import { alipay } from "../../channels/alipay/index.ts";
import type { ChannelAccount, CloseOutcome, QueryOutcome } from "../../channels/contract.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { askAboutBarcode } from "./ask-barcode.ts";
import { type Attempt, CANCELLING } from "./payment.ts";
import type { PaymentServices } from "./services.ts";

const EXPIRES_AT = 100_000;
const attempt = {
  ...{ merchant_id: "m", id: "t", payment_id: "p", serial_no: "S", channel: "alipay", method: "alipay.barcode" },
  ...{ status: "unknown", unknown_reason: CANCELLING, amount: 100n, currency: "CNY", channel_trade_no: null },
  ...{ created_at: 0, expires_at: EXPIRES_AT },
} as Attempt;
const asked = { channel: alipay, account: {} as ChannelAccount, rules: alipay.barcode! };

let lines: string[];
beforeEach(() => {
  lines = [];
});

/** Services of a process whose channel gives these answers, at `now_ms`. */
function servicesOf(now_ms: number, answer: QueryOutcome, cancelled: CloseOutcome = { kind: "already_paid" }) {
  return {
    clock: createManualClock(now_ms),
    log: createLogger("trace", { write: (line: string) => void lines.push(line) }),
    channels: { cancel: async () => cancelled, query: async () => answer },
    groups: { recordOutcome: async () => ({ attempt }) },
  } as unknown as PaymentServices;
}

const payment = {
  ...{ serial_no: "S", channel_trade_no: "T", amount: { amount: 100n, currency: "CNY" }, merchant: "x", app: "y" },
  ...{ paid_at: 5_000, payer: "o1" },
};
const failure = { code: "39", message: "not allowed" };

test.each<[QueryOutcome, boolean, object]>([
  [{ kind: "succeeded", payment }, false, { kind: "succeeded", payment }],
  [{ kind: "succeeded", payment }, true, { kind: "succeeded", payment }],
  [{ kind: "failed", failure }, false, { kind: "failed", failure }],
  [{ kind: "failed", failure }, true, { kind: "closed" }],
  [{ kind: "closed" }, false, { kind: "failed", failure: { code: "ORDER_CLOSED" } }],
  [{ kind: "closed" }, true, { kind: "closed" }],
])("too late to cancel, what the channel says stands (case %#)", async (answer, must_end, outcome) => {
  const services = servicesOf(60_000, answer);
  expect(await askAboutBarcode(services, attempt, asked, must_end)).toMatchObject(outcome);
});

test.each<[QueryOutcome]>([[{ kind: "pending" }], [{ kind: "not_found" }]])(
  "too late to cancel, and $kind: asked again, told once, and only when its time is over",
  async (answer) => {
    const early = servicesOf(EXPIRES_AT - 1, answer);
    expect(await askAboutBarcode(early, attempt, asked, false)).toMatchObject({ kind: "cancelling" });
    expect(lines).toEqual([]);
    const late = servicesOf(EXPIRES_AT, answer);
    for (let time = 0; time < 3; time += 1) {
      const outcome = await askAboutBarcode(late, attempt, asked, true);
      expect(outcome).toEqual({ kind: "cancelling", ask_in_ms: 27_500 });
    }
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: "error", serial_no: "S", answer: answer.kind },
    ]);
  },
);

test.each<[number, object]>([
  [60_000, { kind: "cancelling" }],
  [60_001, { kind: "failed", failure: { code: "NOT_CONFIRMED" } }],
])("an order that the channel does not have, at the age of %i ms", async (now_ms, outcome) => {
  const services = servicesOf(now_ms, { kind: "not_found" }, { kind: "not_found" });
  expect(await askAboutBarcode(services, attempt, asked, false)).toMatchObject(outcome);
});
