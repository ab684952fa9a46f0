/** What a first start prints: the receipt of one payment, step by step, and where to look next. */

import { decodeUuid, encodeUuid, parsePublicId } from "../../kit/id.ts";
import { toDecimal } from "../../kit/money.ts";
import { readTransaction } from "../../ledger/index.ts";
import type { Config } from "../config.ts";
import type { Services } from "../services.ts";
import { payOnce } from "./pay-once.ts";
import type { Demo } from "./prepare.ts";

/** Carries out the demo payment at the first start, and prints where everything is at each. */
export async function showDemo(
  services: Services,
  config: Config,
  demo: Demo,
  say: (line: string) => void,
): Promise<void> {
  if (demo.created) await showReceipt(services, demo, say);
  say("");
  say(`  API          ${demo.base_url}/v1/payments   (reference: ${demo.base_url}/docs)`);
  say(`  Sandbox      ${demo.sandbox_url}/wallet     (a payer's wallet; all money is simulated)`);
  say(`  Test key     ${demo.secret_key}`);
  say(`  All of it    ${config.data_dir}/demo.json`);
  say("");
}

async function showReceipt(services: Services, demo: Demo, say: (line: string) => void): Promise<void> {
  const { created, paid, webhook } = await payOnce(demo, `demo-${encodeUuid(services.ids.uuid())}`);
  const merchant_id = parsePublicId("merchant", demo.merchant_id)!;
  const source_id = decodeUuid(String(paid.serial_no))!;
  const lines = await readTransaction(services.db, { merchant_id, kind: "payment_succeeded", source_id });
  const amount = toDecimal({ amount: BigInt(Number(paid.amount)), currency: String(paid.currency) });
  say("");
  say(`One payment, the whole way: ${paid.currency} ${amount}, ${paid.subject}`);
  say(`  1  created    ${created.id}  ${created.method}  status ${created.status}`);
  say(`  2  numbers    out_trade_no     ${paid.out_trade_no}`);
  say(`                serial_no        ${paid.serial_no}`);
  say(`                channel_trade_no ${paid.channel_trade_no}`);
  say(`  3  paid       the payer scanned ${(created.action as { qr_code: string }).qr_code}`);
  say(`  4  notice     signature and content verified, status ${paid.status} at ${paid.succeeded_at}`);
  say("  5  ledger     one transaction, in the same commit as the status:");
  for (const line of lines) {
    const value = toDecimal({ amount: line.amount, currency: line.currency });
    say(`                ${line.side.padEnd(6)} ${line.kind.padEnd(20)} ${value.padStart(8)}`);
  }
  say(`  6  webhook    ${webhook.type} ${webhook.id} delivered, its signature verified by the receiver`);
  say(`                cashier: ${created.cashier_url}`);
}
