/**
 * Payouts that our bank pays: a file says which, a person gives it to the bank. A payout is in one file, once; the file is
 * written from its rows, so it may be had again and says the same.
 */
import type { Transaction } from "../../kit/sql/database.ts";
import { writeCsv } from "../../kit/table/csv.ts";
import type { Column, Row } from "../../kit/table/table.ts";
import { writeXlsx } from "../../kit/table/xlsx.ts";
import { type Hindrance, hindranceOf, loadBeneficiaries, openVersion } from "../beneficiary/index.ts";
import { type BankFile, claimForBank, insertBankFile, listOfFile, moveToFile } from "./bank-file-store.ts";
import { endUnpaid } from "./end-payout.ts";
import { payoutErrors } from "./errors.ts";
import { tellApps } from "./events.ts";
import { refusalOf } from "./may-pay-out.ts";
import type { Payout } from "./payout.ts";
import type { PayoutServices } from "./services.ts";

export interface NewBankFile {
  readonly livemode: boolean;
  readonly currency: string;
  /** Who makes it, as the audit trail names them. */
  readonly created_by: string;
}

/** What a bank takes at once; the rest is in the next file. */
export const PAYOUTS_IN_FILE = 5_000;

/**
 * Makes a file of what waits for the bank, in the caller's transaction; from then on the payouts are sent. What may not be
 * paid any more fails, and what is frozen goes on waiting.
 * @throws payout_bank_file.nothing
 */
export async function createBankFile(
  services: PayoutServices,
  tx: Transaction,
  { livemode, currency, created_by }: NewBankFile,
): Promise<BankFile> {
  const waiting = await claimForBank(tx, livemode, currency, PAYOUTS_IN_FILE);
  const paid: Payout[] = [];
  for (const ofMerchant of Map.groupBy(waiting, ({ merchant_id }) => merchant_id).values()) {
    paid.push(...(await choosePayable(services, tx, ofMerchant)));
  }
  if (paid.length === 0) throw payoutErrors["payout_bank_file.nothing"]({ values: { currency } });
  const now = services.clock.now();
  const file: BankFile = {
    ...{ id: services.ids.uuid(), livemode, currency, payout_count: paid.length, created_by, created_at: now },
    amount: paid.reduce((sum, { transfer_amount }) => sum + transfer_amount, 0n),
  };
  await insertBankFile(tx, file);
  await moveToFile(tx, file, paid);
  for (const told of Map.groupBy(paid, ({ merchant_id }) => merchant_id).values()) {
    const sent = told.map((payout): Payout => ({ ...payout, status: "sent", bank_file_id: file.id, sent_at: now }));
    await tellApps(services, tx, "payout.sent", sent);
  }
  return file;
}

/** Of one merchant's payouts those that may be paid now. */
async function choosePayable(services: PayoutServices, tx: Transaction, payouts: readonly Payout[]): Promise<Payout[]> {
  if ((await refusalOf(tx, payouts[0]!)) !== undefined) return [];
  const keys = payouts.map(({ merchant_id, beneficiary_id: id }) => ({ merchant_id, id }));
  const beneficiaries = await loadBeneficiaries(tx, keys);
  const payable: Payout[] = [];
  for (const payout of payouts) {
    const beneficiary = beneficiaries.get(payout.beneficiary_id)!;
    const hindrance = hindranceOf(beneficiary, payout.beneficiary_version, services.clock.now());
    if (hindrance === undefined) payable.push(payout);
    else await endUnpaid(services, tx, payout, "failed", failureOf(hindrance));
  }
  return payable;
}

/** What a payout fails with whose beneficiary may not be paid. */
export function failureOf(hindrance: Hindrance): { code: string; message: string } {
  return { code: `beneficiary_${hindrance}`, message: `the beneficiary is ${hindrance}` };
}

export const bankFileFormats = ["xlsx", "csv"] as const;
export type BankFileFormat = (typeof bankFileFormats)[number];

const columns: readonly Column[] = [
  { heading: "序号 No.", width: 8 },
  { heading: "付款流水号 Transfer number", width: 30 },
  { heading: "收款账号 Account", width: 26 },
  { heading: "收款户名 Account name", width: 24 },
  { heading: "账户类型 Account type", width: 12 },
  { heading: "开户银行 Bank", width: 24 },
  { heading: "开户网点 Branch", width: 24 },
  { heading: "联行号 CNAPS code", width: 16 },
  { heading: "金额 Amount", width: 16 },
  { heading: "币种 Currency", width: 8 },
  { heading: "附言 Remark", width: 32 },
];

/** The file for the bank, with account numbers and names in clear: it is opened as it is read. */
export function writeBankFile(
  services: PayoutServices,
  file: BankFile,
  format: BankFileFormat,
): AsyncGenerator<Buffer> {
  const table = { columns, pages: readPages(services, file) };
  return format === "csv" ? writeCsv(table) : writeXlsx([{ name: "出款 Payouts", ...table }]);
}

async function* readPages(services: PayoutServices, file: BankFile): AsyncGenerator<Row[]> {
  let number = 0;
  for await (const page of listOfFile(services.db, file.id)) {
    const rows: Row[] = [];
    for (const payout of page) {
      number += 1;
      rows.push(await rowOf(services, payout, number));
    }
    yield rows;
  }
}

async function rowOf(services: PayoutServices, payout: Payout, number: number): Promise<Row> {
  const { merchant_id, beneficiary_id: id, beneficiary_version: version } = payout;
  const opened = (await openVersion(services, { merchant_id, id, version }))!;
  const { account_type, bank_name, branch_name, cnaps_code } = opened.details;
  return [
    ...[number, payout.transfer_no, opened.account.reveal(), opened.name?.reveal() ?? null],
    ...[account_type === "corporate" ? "对公 corporate" : "对私 personal", bank_name ?? null, branch_name ?? null],
    ...[cnaps_code ?? null, { amount: payout.transfer_amount, currency: payout.currency }, payout.currency],
    payout.title ?? "付款",
  ];
}
