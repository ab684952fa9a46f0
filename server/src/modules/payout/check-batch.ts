/** Looks at every line of a file before anything moves: what is wrong with it, and what it comes to. */
import { TributaryError } from "../../kit/error.ts";
import { parsePublicId } from "../../kit/id.ts";
import { fromDecimal } from "../../kit/money.ts";
import {
  type AccountInput,
  type Beneficiary,
  findByAccounts,
  hindranceOf,
  loadBeneficiaries,
  readAccount,
  readBeneficiarySettings,
} from "../beneficiary/index.ts";
import type { LineProblem } from "./batch.ts";
import type { BatchColumn, FileLine } from "./batch-file.ts";
import { checkSingle, type LimitCounter, openLimits } from "./limits.ts";
import type { Book, PayoutServices } from "./services.ts";
import { type PayoutSettings, priceOf, readPayoutSettings } from "./settings.ts";
import { loadByNumbers } from "./store.ts";

/** A line after it was looked at. */
export interface CheckedLine {
  readonly line: number;
  readonly out_payout_no: string | null;
  readonly amount: bigint | null;
  readonly title: string | null;
  readonly beneficiary_id: string | null;
  /** An account that nobody has entered, and that the merchant's rule lets in by itself. */
  readonly account: AccountInput | undefined;
  readonly transfer_amount: bigint;
  readonly fee_amount: bigint;
  readonly problems: readonly LineProblem[];
}

export interface CheckedFile {
  readonly lines: readonly CheckedLine[];
  readonly error_count: number;
}

interface Found {
  readonly beneficiary: Beneficiary | undefined;
  readonly account: AccountInput | undefined;
  readonly problems: readonly LineProblem[];
}

/** Checks all lines of a file of one book and currency. */
export async function checkBatch(
  services: PayoutServices,
  owner: Book & { readonly app_id: string },
  currency: string,
  lines: readonly FileLine[],
): Promise<CheckedFile> {
  const settings = await readPayoutSettings(services.db, { ...owner, currency });
  const numbers = lines.flatMap(({ fields }) => fields.number ?? []);
  const used = await loadByNumbers(services.db, owner, numbers);
  const first = new Map<string, number>();
  for (const { line, fields } of lines) if (fields.number && !first.has(fields.number)) first.set(fields.number, line);
  const found = await findBeneficiaries(services, owner, lines);
  const now = services.clock.now();
  const limits = await services.db.transaction((tx) => openLimits(tx, { ...owner, currency }, settings, now));
  const checked = lines.map((line, index): CheckedLine => {
    const problems = [
      ...checkNumber(line, used.has(line.fields.number ?? ""), first),
      ...checkTitle(line),
      ...found[index]!.problems,
    ];
    return { ...checkAmount(line, settings, limits, problems), ...identityOf(line, found[index]!) };
  });
  return { lines: checked, error_count: checked.filter(({ problems }) => problems.length > 0).length };
}

function identityOf({ line, fields }: FileLine, { beneficiary, account }: Found) {
  const { number: out_payout_no = null, title = null } = fields;
  return { line, out_payout_no, title, beneficiary_id: beneficiary?.id ?? null, account };
}

const problem = (column: BatchColumn, sentence: string): LineProblem => ({ column, problem: sentence });

function checkNumber({ line, fields }: FileLine, isUsed: boolean, first: ReadonlyMap<string, number>): LineProblem[] {
  const { number } = fields;
  if (number === undefined) return [problem("number", "Give a number of your own.")];
  if (number.length > 64) return [problem("number", "A number has 64 characters at most.")];
  if (isUsed) return [problem("number", "A payout has this number already: take the line out, or give a new number.")];
  const before = first.get(number)!;
  return before === line ? [] : [problem("number", `Line ${before} has the same number: each has one of its own.`)];
}

function checkTitle({ fields }: FileLine): LineProblem[] {
  return (fields.title?.length ?? 0) > 32 ? [problem("title", "A remark has 32 characters at most.")] : [];
}

function checkAmount(
  { fields }: FileLine,
  settings: PayoutSettings,
  limits: LimitCounter,
  before: readonly LineProblem[],
) {
  const nothing = { amount: null, transfer_amount: 0n, fee_amount: 0n };
  const amount = readAmount(fields.amount, settings.currency);
  if (amount === undefined) {
    const sentence = "Give an amount above zero in major units, such as 12.34.";
    return { ...nothing, problems: [...before, problem("amount", sentence)] };
  }
  const price = priceOf(settings, amount, settings.currency);
  if (!price) return { ...nothing, amount, problems: [...before, problem("amount", "The fee leaves nothing to pay.")] };
  const refused = checkSingle(settings, amount) ?? (before.length === 0 ? limits.take(amount) : undefined);
  const problems = refused ? [...before, problem("amount", refused.message)] : before;
  return { amount, ...price, problems };
}

function readAmount(text: string | undefined, currency: string): bigint | undefined {
  try {
    const { amount } = fromDecimal((text ?? "").normalize("NFKC").replace(/[,¥\s]/g, ""), currency);
    return amount > 0n && amount <= 100_000_000_000n ? amount : undefined;
  } catch {
    return undefined;
  }
}

/** Whom each line names: by id, or by the account's particulars. */
async function findBeneficiaries(
  services: PayoutServices,
  book: Book,
  lines: readonly FileLine[],
): Promise<readonly Found[]> {
  const inputs = lines.map((line) => (line.fields.beneficiary === undefined ? readInput(line) : undefined));
  const accounts = inputs.flatMap((input) => (input && "account" in input ? [input.account] : []));
  const byAccount = new Map((await findByAccounts(services, book, accounts)).map((one, at) => [accounts[at]!, one]));
  const ids = lines.flatMap(({ fields }) => parsePublicId("beneficiary", fields.beneficiary ?? "") ?? []);
  const keys = [...new Set(ids)].map((id) => ({ merchant_id: book.merchant_id, id }));
  const byId = await loadBeneficiaries(services.db, keys);
  const { verification } = await readBeneficiarySettings(services.db, book.merchant_id, book.livemode);
  const now = services.clock.now();
  return lines.map(({ fields }, index): Found => {
    const input = inputs[index];
    if (input && "problem" in input) return { beneficiary: undefined, account: undefined, problems: [input.problem] };
    const id = parsePublicId("beneficiary", fields.beneficiary ?? "");
    const beneficiary = input ? byAccount.get(input.account) : id ? byId.get(id) : undefined;
    if (!beneficiary && input && verification === "automatic") {
      return { beneficiary, account: input.account, problems: [] };
    }
    const column = input ? "account" : "beneficiary";
    return { beneficiary, account: undefined, problems: hindrancesOf(beneficiary, book, column, now) };
  });
}

function hindrancesOf(
  beneficiary: Beneficiary | undefined,
  { livemode }: Book,
  column: BatchColumn,
  now: number,
): LineProblem[] {
  if (!beneficiary || beneficiary.livemode !== livemode) {
    return [problem(column, "There is no such beneficiary: enter it and have it verified first.")];
  }
  const hindrance = hindranceOf(beneficiary, beneficiary.version, now);
  if (hindrance === undefined || hindrance === "cooling") return [];
  return [problem(column, `The beneficiary is ${hindrance}: have it verified or enabled, or choose another one.`)];
}

const types: Readonly<Record<string, AccountInput["type"]>> = {
  ...{ bank_card: "bank_card", 银行卡: "bank_card", 银行: "bank_card", bank: "bank_card" },
  ...{ alipay: "alipay", 支付宝: "alipay", wechat: "wechat", 微信: "wechat" },
};
const accountTypes: Readonly<Record<string, "personal" | "corporate">> = {
  ...{ personal: "personal", 对私: "personal", 个人: "personal" },
  ...{ corporate: "corporate", 对公: "corporate", 企业: "corporate" },
};

/** The account that a line describes, or what is wrong with it. */
function readInput({ fields }: FileLine): { account: AccountInput } | { problem: LineProblem } {
  const type = types[(fields.type ?? "").toLowerCase()];
  if (!type) return { problem: problem("type", "Give 银行卡 (bank_card), 支付宝 (alipay) or 微信 (wechat).") };
  const { account: number } = fields;
  if (!number) return { problem: problem("account", "Give the account.") };
  const account_type = accountTypes[(fields.account_type ?? "personal").toLowerCase()];
  if (!account_type) return { problem: problem("account_type", "Give 对私 (personal) or 对公 (corporate).") };
  const { bank_name = "", branch_name, cnaps_code, appid = "", name } = fields;
  const particulars: Omit<AccountInput, "type" | "name"> =
    type === "bank_card"
      ? { bank_card: { number, account_type, bank_name, branch_name, cnaps_code } }
      : type === "alipay"
        ? { alipay: /^2088\d{12}$/.test(number) ? { user_id: number } : { login_id: number } }
        : { wechat: { openid: number, appid } };
  const account: AccountInput = { type, name, ...particulars };
  try {
    readAccount(account);
    return { account };
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    return { problem: problem(columnOf(error.param), error.message) };
  }
}

/** The column of a field that an account is refused for. */
function columnOf(param: string | undefined): BatchColumn {
  const field = param?.split(".").at(-1);
  const known: readonly BatchColumn[] = ["name", "bank_name", "branch_name", "cnaps_code", "appid", "account_type"];
  return known.find((column) => column === field) ?? "account";
}
