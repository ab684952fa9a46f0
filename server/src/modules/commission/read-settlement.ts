/** Reading settlements of commission, always of one agent. */
import { parsePublicId, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { writeCsv } from "../../kit/table/csv.ts";
import type { Row } from "../../kit/table/table.ts";
import { loadMerchantNames } from "../merchant/index.ts";
import { commissionErrors } from "./errors.ts";
import type { CommissionSettlement } from "./settlement.ts";
import { listLines, loadSettlement, type StatementLine } from "./store.ts";

/** An agent's settlement of a public id. @throws commission.not_found */
export async function findCommissionSettlement(
  sql: Sql,
  agent_id: string,
  public_id: string,
): Promise<CommissionSettlement> {
  const id = parsePublicId("commission_settlement", public_id);
  const settlement = id && (await loadSettlement(sql, { merchant_id: agent_id, id }));
  if (!settlement) throw commissionErrors["commission.not_found"]();
  return settlement;
}

const LINES_IN_PAGE = 500;

/** Pages of a month's lines with the merchants' names, by merchant and method. */
export async function* readLines(
  sql: Sql,
  settlement_id: string,
): AsyncGenerator<{ lines: StatementLine[]; names: Map<string, string> }> {
  for (let after: StatementLine | undefined; ; ) {
    const lines = await listLines(sql, settlement_id, after, LINES_IN_PAGE);
    yield { lines, names: await loadMerchantNames(sql, [...new Set(lines.map((line) => line.merchant_id))]) };
    if (lines.length < LINES_IN_PAGE) return;
    after = lines.at(-1);
  }
}

/** Headings in both languages: an agent's bookkeeper opens the file in whatever program there is. */
const headings = [
  "商户编号 merchant",
  "商户名称 name",
  "支付方式 method",
  "支付笔数 payments",
  "支付金额 payment amount",
  "退款笔数 refunds",
  "退款金额 refund amount",
  "佣金 earned",
  "退回佣金 returned",
  "合计 commission",
];

/** A month's lines as a CSV file, amounts in major units. */
export function exportLines(sql: Sql, { id, currency }: CommissionSettlement): AsyncGenerator<Buffer> {
  const columns = headings.map((heading) => ({ heading, width: 20 }));
  return writeCsv({ columns, pages: rowPages(sql, id, currency) });
}

async function* rowPages(sql: Sql, settlement_id: string, currency: string): AsyncGenerator<Row[]> {
  const money = (amount: bigint) => ({ amount, currency });
  for await (const { lines, names } of readLines(sql, settlement_id)) {
    yield lines.map((line) => [
      publicId("merchant", line.merchant_id),
      names.get(line.merchant_id) ?? null,
      line.method === "" ? "更正 correction" : line.method,
      ...[Number(line.payment_count), money(line.payment_amount)],
      ...[Number(line.refund_count), money(line.refund_amount)],
      ...[money(line.earned), money(line.returned), money(line.earned + line.returned)],
    ]);
  }
}
