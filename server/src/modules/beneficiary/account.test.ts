// Guarantee: an account that cannot be right is refused with what to correct; the same account is recognised however it
// was written; and what is shown of it does not tell it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unreachableStates } from "../../kit/state-machine.ts";
import { type AccountInput, identityOf, maskAccount, maskName, passesLuhn, readAccount } from "./account.ts";
import { type Beneficiary, beneficiaryTransitions, hindranceOf } from "./beneficiary.ts";

const card = (number: string, more: object = {}): AccountInput => ({
  type: "bank_card",
  name: "张三",
  bank_card: { number, bank_name: "中国工商银行", ...more },
});
const company = (number: string, more: object = { cnaps_code: "102100099996" }) =>
  card(number, { account_type: "corporate", ...more });

test("numbers of cards have a check digit that finds every wrong digit and every swap of neighbours but 09 and 90", () => {
  expect(["6222021234567890128", "4111111111111111", "0"].map(passesLuhn)).toEqual([true, true, true]);
  fc.assert(
    fc.property(fc.stringMatching(/^\d{15}$/), fc.nat({ max: 14 }), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
      const good = [..."0123456789"].map((last) => body + last).filter(passesLuhn);
      expect(good).toHaveLength(1);
      const digits = [...good[0]!];
      digits[at] = String((Number(digits[at]) + by) % 10);
      expect(passesLuhn(digits.join(""))).toBe(false);
    }),
  );
});

test.each<[string, AccountInput, string]>([
  ["a card without its name", { ...card("4111111111111111"), name: " " }, "name"],
  ["a wrong check digit", card("4111111111111112"), "check digit"],
  ["a card with letters", card("41111111111x1111"), "12 to 19 digits"],
  ["a card without its bank", card("4111111111111111", { bank_name: " " }), "bank's name"],
  ["a CNAPS code of eleven digits", card("4111111111111111", { cnaps_code: "10210009999" }), "12 digits"],
  ["a company's account without a branch", company("0200 0010 0902 1234567", {}), "cnaps_code"],
  ["a company's account with signs", company("0200_1"), "digits or letters"],
  ["two kinds at once", { ...card("4111111111111111"), wechat: { openid: "o-person", appid: "wx01" } }, "leave wechat"],
  ["nothing", { type: "bank_card", name: "张三" }, "bank_card"],
  ["an Alipay account without a number", { type: "alipay", name: "张三", alipay: {} }, "either login_id or user_id"],
  ["an Alipay login without a name", { type: "alipay", alipay: { login_id: "a@b.cn" } }, "real name"],
  ["a strange Alipay login", { type: "alipay", name: "张三", alipay: { login_id: "zhangsan" } }, "mobile number"],
  ["a strange Alipay number", { type: "alipay", alipay: { user_id: "1088000000000000" } }, "2088"],
  ["a strange openid", { type: "wechat", wechat: { openid: "o person", appid: "wx01" } }, "openid"],
  ["an openid without its app", { type: "wechat", wechat: { openid: "o-person", appid: "" } }, "appid"],
])("%s is refused", (_, input, sentence) => {
  expect(() => readAccount(input)).toThrow(sentence);
});

describe("the same account", () => {
  test.each<[AccountInput, AccountInput]>([
    [card("4111111111111111"), card(" 4111-1111 1111１１１１ ")],
    [company("0200a 1"), company("0200A1", { branch_name: "北京分行" })],
    [
      { type: "alipay", name: "张三", alipay: { login_id: "Zhang@Example.com" } },
      { type: "alipay", name: "李四", alipay: { login_id: " zhang@example.com" } },
    ],
  ])("is one identity: %j", (one, other) => {
    expect(identityOf(readAccount(one))).toBe(identityOf(readAccount(other)));
  });

  test("another app's openid is another person's account", () => {
    const of = (appid: string): AccountInput => ({ type: "wechat", wechat: { openid: "o-person", appid } });
    expect(identityOf(readAccount(of("wx-one")))).not.toBe(identityOf(readAccount(of("wx-two"))));
  });
});

test("masks show the end of a number, the host of an address, and little of a name", () => {
  const masks = ["6222021234567890128", "o-abcdefgh", "13812345678", "someone@example.com", "02001"];
  expect(masks.map((account) => maskAccount({ account }))).toEqual([
    ...["****0128", "****efgh", "****5678", "s***@example.com", "****01"],
  ]);
  expect(["张", "张三", "欧阳锋", "北京某某科技有限公司"].map(maskName)).toEqual(["*张", "*三", "**锋", "北京***公司"]);
});

test("only a verified account is paid to, in its newest version, when its cooling is over", () => {
  const good = { status: "verified", version: 2, payable_from: 100 } as const;
  const of = (more: Partial<Beneficiary>, version = 2, now = 100) => hindranceOf({ ...good, ...more }, version, now);
  expect([of({}), of({}, 2, 99), of({}, 1), of({ status: "unverified" })]).toEqual([
    ...[undefined, "cooling", "changed", "unverified"],
  ]);
  expect([of({ status: "disabled" }, 1), of({ status: "deleted" })]).toEqual(["disabled", "deleted"]);
  expect(unreachableStates(beneficiaryTransitions, "unverified")).toEqual([]);
});
