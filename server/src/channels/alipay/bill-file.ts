/**
 * The form of Alipay's bills: lines behind # say whose and of when the table is, a header, rows whose cells end in tabs, a line
 * that ends the table, and the sums in words behind #. GB 18030, unless somebody saved it anew.
 */
import { BillRefused, LineRejected } from "../bill-refused.ts";
import type { TableRow } from "../bill-table.ts";
import type { BillFileHead, BillLine, BillReadInput, LineReader, StatedTotal } from "../contract.ts";

/** What a kind of bill makes of its rows. */
export interface AlipayTable<Name extends string> {
  /** For sentences. */
  readonly title: string;
  /** As the first line and the one that ends the table call it: 业务明细, 账务明细. */
  readonly word: string;
  readonly first_column: string;
  readonly row: TableRow<Name>;
  /** The line of a row; throws LineRejected. */
  readRow(line_no: number, merchant_no: string | null): BillLine;
  /** Compares what a line of sums says. `whole`: no row was rejected. */
  compare(text: string, whole: boolean): StatedTotal[];
}

/** Alipay writes an account as the merchant's number and this. */
const ACCOUNT_SUFFIX = "0156";

type Stage = "head" | "rows" | "end";

/** Reads a file of the form; undefined for one of sums alone. */
export function createAlipayReader<Name extends string>(
  file: BillFileHead,
  input: BillReadInput,
  table: AlipayTable<Name>,
): LineReader | undefined {
  if (file.name?.includes("汇总")) return undefined;
  const { row, title, word, first_column } = table;
  let stage: Stage = "head";
  let merchant_no: string | null = null;
  let whole = true;
  const stated: StatedTotal[] = [];

  /** A line behind #. */
  function readRemark(text: string): void {
    if (/^#支付宝.+查询/.test(text)) {
      if (stage !== "head") throw new BillRefused("doubled", "A second bill begins in the file: it is doubled.");
      if (!text.includes(word))
        throw new BillRefused("unknown_format", `The file is ${text.slice(1, 30)}, not ${title} (${word}).`);
    }
    const account = /^#账号：\[(\d+)\]/.exec(text)?.[1];
    if (account !== undefined) merchant_no = checkAccount(account, input.merchant);
    const begin = /^#起始日期：\[(\d{4})年(\d{2})月(\d{2})日/.exec(text);
    if (begin) checkDate(`${begin[1]}-${begin[2]}-${begin[3]}`, input.date);
    if (text.includes(`${word}列表结束`)) stage = "end";
    if (stage === "end") stated.push(...table.compare(text, whole));
  }

  function readHeader(line_no: number): void {
    const [first] = row.cells();
    if (stage === "rows" && first !== first_column) throw new LineRejected("The line is neither a row nor a header.");
    if (stage !== "head") throw new BillRefused("doubled", `Line ${line_no} is a second header: the file is doubled.`);
    row.takeHeader();
    stage = "rows";
  }

  return {
    read(text, line_no, sink) {
      if (text.length === 0 || text.trim() === "") return;
      if (text.charCodeAt(0) === 0x23) return readRemark(file.decode(text).trim());
      row.cut(text);
      if (stage !== "rows" || text.charCodeAt(0) > 0x7f) {
        whole &&= stage !== "rows";
        return readHeader(line_no);
      }
      try {
        sink.line(table.readRow(line_no, merchant_no));
      } catch (error) {
        whole = false;
        throw error;
      }
    },
    end() {
      if (stage === "head") throw new BillRefused("columns_missing", `The file has no header of ${title}.`);
      if (stage === "rows") throw new BillRefused("truncated", `The file ends before ${word}列表结束: it was cut.`);
      return stated;
    },
  };
}

function checkAccount(account: string, expected: string | undefined): string {
  const merchant = account.endsWith(ACCOUNT_SUFFIX) ? account.slice(0, -ACCOUNT_SUFFIX.length) : account;
  if (expected !== undefined && expected !== merchant && expected !== account)
    throw new BillRefused("other_account", `The bill is of the account ${account}, not of ${expected}.`);
  return merchant;
}

function checkDate(date: string, expected: string | undefined): void {
  if (expected === undefined || expected === date) return;
  throw new BillRefused("other_day", `The bill is of ${date}, not of ${expected}.`);
}
