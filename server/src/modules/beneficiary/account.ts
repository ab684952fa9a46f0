/** The particulars of an account: whether they can be right, how they are written the same way always, and their mask. Pure. */
import type { TributaryError } from "../../kit/error.ts";
import type { AccountDetails, BeneficiaryType } from "./beneficiary.ts";
import { beneficiaryErrors } from "./errors.ts";

/** An account as somebody wrote it. */
export interface AccountInput {
  readonly type: BeneficiaryType;
  readonly name?: string | undefined;
  readonly bank_card?:
    | {
        readonly number: string;
        readonly account_type?: "personal" | "corporate" | undefined;
        readonly bank_name: string;
        readonly branch_name?: string | undefined;
        readonly cnaps_code?: string | undefined;
      }
    | undefined;
  readonly alipay?: { readonly login_id?: string | undefined; readonly user_id?: string | undefined } | undefined;
  readonly wechat?: { readonly openid: string; readonly appid: string } | undefined;
}

/** An account whose particulars can be right, without spaces and in one spelling. */
export interface Account {
  readonly type: BeneficiaryType;
  /** Sensitive: never logged. */
  readonly account: string;
  /** Sensitive. */
  readonly name: string | undefined;
  readonly details: AccountDetails;
}

/** @throws beneficiary.invalid with the field at fault and what to do */
export function readAccount(input: AccountInput): Account {
  for (const type of ["bank_card", "alipay", "wechat"] as const) {
    if (type !== input.type && input[type] !== undefined) {
      throw invalid(type, `The type is ${input.type}: leave ${type} out, or change the type.`);
    }
  }
  const name = input.name?.normalize("NFKC").trim().replace(/\s+/g, " ") || undefined;
  switch (input.type) {
    case "bank_card":
      return readBankCard(input.bank_card, name);
    case "alipay":
      return readAlipay(input.alipay, name);
    case "wechat":
      return readWechat(input.wechat, name);
  }
}

function readBankCard(given: AccountInput["bank_card"], name: string | undefined): Account {
  if (!given) throw invalid("bank_card", "Give bank_card with number and bank_name.");
  if (!name) throw invalid("name", "Give the name that the bank knows the account by.");
  const { account_type = "personal", cnaps_code } = given;
  const account = compact(given.number).replaceAll("-", "");
  const bank_name = given.bank_name.trim();
  const branch_name = given.branch_name?.trim() || undefined;
  if (bank_name === "") throw invalid("bank_card.bank_name", "Give the bank's name.");
  if (account_type === "personal") {
    if (!/^\d{12,19}$/.test(account)) throw invalid("bank_card.number", "A card's number has 12 to 19 digits.");
    if (!passesLuhn(account)) {
      throw invalid("bank_card.number", "The number's check digit is wrong: compare it with the card.");
    }
  } else {
    if (!/^[0-9A-Z]{5,34}$/.test(account)) {
      throw invalid("bank_card.number", "A company's account number has 5 to 34 digits or letters.");
    }
    if (!cnaps_code && !branch_name) {
      throw invalid("bank_card.cnaps_code", "Give the cnaps_code or the branch_name of a company's bank account.");
    }
  }
  if (cnaps_code !== undefined && !/^\d{12}$/.test(cnaps_code)) {
    throw invalid("bank_card.cnaps_code", "A CNAPS code (联行号) has 12 digits.");
  }
  const details = { ...(branch_name && { branch_name }), ...(cnaps_code !== undefined && { cnaps_code }) };
  return { type: "bank_card", account, name, details: { kind: null, account_type, bank_name, ...details } };
}

function readAlipay(given: AccountInput["alipay"], name: string | undefined): Account {
  const { login_id, user_id } = given ?? {};
  if ((login_id === undefined) === (user_id === undefined)) {
    throw invalid("alipay", "Give alipay with either login_id or user_id.");
  }
  if (user_id !== undefined) {
    const account = compact(user_id);
    if (!/^2088\d{12}$/.test(account)) throw invalid("alipay.user_id", "A user_id has 16 digits and begins with 2088.");
    return { type: "alipay", account, name, details: { kind: "user_id" } };
  }
  const account = compact(login_id!).toLowerCase();
  if (!/^(?:\+?[0-9-]{6,20}|[^\s@]+@[^\s@]+\.[^\s@]+)$/i.test(account)) {
    throw invalid("alipay.login_id", "A login_id is a mobile number or an e-mail address.");
  }
  if (!name) throw invalid("name", "Alipay compares the real name with a login_id: give it.");
  return { type: "alipay", account, name, details: { kind: "login_id" } };
}

function readWechat(given: AccountInput["wechat"], name: string | undefined): Account {
  if (!given) throw invalid("wechat", "Give wechat with openid and the appid that it belongs to.");
  const [account, appid] = [given.openid.trim(), given.appid.trim()];
  if (!/^[\w-]{6,64}$/.test(account)) throw invalid("wechat.openid", "An openid has letters, digits, - and _ only.");
  if (!/^[\w-]{4,32}$/.test(appid)) throw invalid("wechat.appid", "Give the appid that the openid belongs to.");
  return { type: "wechat", account, name, details: { kind: "openid", appid } };
}

function invalid(param: string, problem: string): TributaryError {
  return beneficiaryErrors["beneficiary.invalid"]({ param, values: { problem } });
}

/** Full-width digits and letters become plain ones; spaces are for people. */
function compact(text: string): string {
  return text.normalize("NFKC").replace(/\s+/g, "").toUpperCase();
}

/** ISO/IEC 7812-1: the check digit of cards. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The same account, whoever's it is and however it was written: what the fingerprint is made of. */
export function identityOf({ type, account, details }: Account): string {
  return [type, details.kind ?? "", details.appid ?? "", account].join(" ");
}

/** What people see of the number: its last four characters, or an address's first and its host. */
export function maskAccount({ account }: Pick<Account, "account">): string {
  const at = account.indexOf("@");
  if (at > 0) return `${account[0]}***${account.slice(at)}`;
  const shown = account.length > 8 ? 4 : 2;
  return `****${account.slice(-shown)}`;
}

/** A person's last character; a long name's first two and last two. */
export function maskName(name: string): string {
  const characters = [...name];
  if (characters.length <= 4) return `${"*".repeat(Math.max(1, characters.length - 1))}${characters.at(-1)}`;
  return `${characters.slice(0, 2).join("")}***${characters.slice(-2).join("")}`;
}
