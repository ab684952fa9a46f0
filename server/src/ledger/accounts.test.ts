// Guarantee: an account has the same id in every process and release, because books are written with it.
import { expect, test } from "vitest";
import { type AccountKind, accountKinds, accountOf } from "./accounts.ts";

const channel_account_id = "0192d2c4-0000-7000-8000-000000000001";

test("ids are fixed, and negative exactly for credit accounts", () => {
  const kinds = Object.keys(accountKinds) as AccountKind[];
  const ids = kinds.map((kind) => {
    const account = accountKinds[kind].per ? accountOf(kind, "CNY", channel_account_id) : accountOf(kind, "CNY");
    expect(account.id.startsWith("-")).toBe(accountKinds[kind].side === "credit");
    return [kind, account.id];
  });
  expect(Object.fromEntries(ids)).toMatchInlineSnapshot(`
    {
      "adjustment_expense": "52577099929090600",
      "bank": "7457669897237179465",
      "channel_cost": "3175196163806076524",
      "channel_receivable": "4938613102648614539",
      "commission_expense": "3618104038637497629",
      "commission_payable": "-871899193797969414",
      "direct_collected": "422252876678657015",
      "direct_duplicate_payable": "-2315890479496352398",
      "direct_refund_in_transit": "-7556505244717982077",
      "direct_turnover": "-3780042317106255318",
      "duplicate_payable": "-6781360168830919531",
      "fee_income": "-5698850626406941265",
      "interbook": "-3919967164910700463",
      "merchant_available": "-125657378302267147",
      "merchant_frozen": "-6431124040013765284",
      "merchant_pending": "-6564060415536289626",
      "merchant_reserve": "-548878689857495077",
      "payout_in_transit": "-4691883877807842275",
      "reconciliation_loss": "5983932593184161648",
      "reconciliation_suspense": "340239434567559717",
      "refund_in_transit": "-2348733725946858309",
      "service_fee_prepaid": "-4436775159694994383",
      "service_fee_receivable": "8456208865426252586",
      "sharing_payable": "-8105775686857583699",
    }
  `);
});

test("one account is one object; currency and scope make another", () => {
  const account = accountOf("channel_receivable", "CNY", channel_account_id);
  expect(accountOf("channel_receivable", "CNY", channel_account_id)).toBe(account);
  expect(accountOf("channel_receivable", "USD", channel_account_id).id).not.toBe(account.id);
  expect(accountOf("channel_receivable", "CNY", channel_account_id.replace("1", "2")).id).not.toBe(account.id);
});

test("a scope where none belongs, none where one belongs, and no currency are refused", () => {
  expect(() => accountOf("merchant_pending", "CNY", channel_account_id)).toThrow("one for the book");
  expect(() => accountOf("channel_receivable", "CNY")).toThrow("one for each channel_account");
  expect(() => accountOf("merchant_pending", "XXY")).toThrow("XXY");
});
