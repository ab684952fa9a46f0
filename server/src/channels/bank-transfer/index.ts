/** Transfers to a bank account, confirmed by a person who sees its statement. Nothing is called. */
import { currencyExponents } from "../../kit/currencies.ts";
import type { Channel } from "../contract.ts";
import {
  type BankTransferConfig,
  bankTransferConfigSchema,
  bankTransferFields,
  checkBankTransferAccount,
} from "./config.ts";
import { checkConnection, close, pay, query, queryRefund, refund } from "./pay.ts";
import { readNotice, replyToNotice, statements } from "./statement.ts";

const DAY_MS = 86_400_000;
/** What nobody is asked about is asked about for as long as one likes. */
const TEN_YEARS_MS = 3_650 * DAY_MS;

export const bankTransfer: Channel = {
  id: "bank",
  label: { zh: "银行转账", en: "Bank transfer" },
  currencies: Object.keys(currencyExponents),
  configSchema: bankTransferConfigSchema,
  fields: bankTransferFields,
  expiries: () => [],
  checkConnection,
  checkAccount: checkBankTransferAccount,
  identify: (account) => ({ merchant: (account.config as BankTransferConfig).account_number, app: undefined }),
  pay: { "bank.transfer": pay },
  query,
  close,
  refund,
  queryRefund,
  statements,
  readNotice,
  replyToNotice,
  limits: {
    refund_window_ms: 365 * DAY_MS,
    refunds_per_payment_max: 50,
    query_window_ms: TEN_YEARS_MS,
    refund_query_delay_ms: DAY_MS,
  },
};
