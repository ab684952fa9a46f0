/** The wire shape of statements. */
import { toRfc3339 } from "../../kit/clock.ts";
import { type ShownKind, type ShownName, shownAccounts, shownNames } from "../balance/index.ts";
import type { Statement, StatementAccount } from "./statement.ts";

/** One line of a statement: what merchants call an account, those kept for each channel account summed. */
export interface StatementLine {
  readonly account: ShownName;
  readonly opening: bigint;
  readonly amount_in: bigint;
  readonly amount_out: bigint;
  readonly closing: bigint;
  readonly entry_count: number;
}

export interface CurrencyLines {
  readonly currency: string;
  readonly lines: readonly StatementLine[];
}

/** A statement's lines: for each currency of the book, one for each account of the book that merchants see. */
export function linesOf({ accounts }: Pick<Statement, "accounts">): CurrencyLines[] {
  const currencies = [...new Set(accounts.map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const ofCurrency = accounts.filter((account) => account.currency === currency);
    const lines = shownNames.flatMap((name) => {
      const parts = ofCurrency.filter(({ kind }) => shownAccounts[kind as ShownKind] === name);
      return parts.length > 0 ? [sumLine(name, parts)] : [];
    });
    return { currency, lines };
  });
}

function sumLine(account: ShownName, parts: readonly StatementAccount[]): StatementLine {
  const sum = (pick: (part: StatementAccount) => bigint) => parts.reduce((total, part) => total + pick(part), 0n);
  const opening = sum(({ balance }) => balance);
  const amount_in = sum((part) => part.amount_in);
  const amount_out = sum((part) => part.amount_out);
  const entry_count = parts.reduce((total, part) => total + part.entry_count, 0);
  return { account, opening, amount_in, amount_out, closing: opening + amount_in - amount_out, entry_count };
}

export interface StatementView {
  object: "statement";
  livemode: boolean;
  date: string;
  time_zone: string;
  from: string;
  to: string;
  status: "open" | "final";
  currencies: { currency: string; accounts: StatementAccountView[] }[];
}

interface StatementAccountView {
  account: ShownName;
  opening: number;
  amount_in: number;
  amount_out: number;
  closing: number;
  entry_count: number;
}

/** A statement as the merchant sees it. */
export function presentStatement(statement: Statement): StatementView {
  const { date, time_zone, from, to, is_final, period } = statement;
  return {
    object: "statement",
    livemode: period.livemode,
    date,
    time_zone,
    from: toRfc3339(from),
    to: toRfc3339(to),
    status: is_final ? "final" : "open",
    currencies: linesOf(statement).map(({ currency, lines }) => ({ currency, accounts: lines.map(presentLine) })),
  };
}

function presentLine({ account, opening, amount_in, amount_out, closing, entry_count }: StatementLine) {
  return {
    account,
    opening: Number(opening),
    amount_in: Number(amount_in),
    amount_out: Number(amount_out),
    closing: Number(closing),
    entry_count,
  };
}
