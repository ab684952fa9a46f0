/** Lines of a bill as the text that COPY reads. A bill has millions of them, so this is a hot path. */
import type { BillLine } from "../../channels/contract.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { decodeUuid } from "../../kit/id.ts";

const NULL = "\\N";
const NEEDS_ESCAPE = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function copyText(value: string | null): string {
  if (value === null) return NULL;
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replace(/[\\\t\n\r]/g, (character) => escapes[character]!);
}

/**
 * One line, in the order of the store's columns. A number that has the form of one of ours is written as the id that it
 * stands for, and as text otherwise.
 */
export function toCopyLine(bill: bigint, file_no: number, line: BillLine): string {
  const our_id = line.our_no === null ? undefined : decodeUuid(line.our_no);
  const our_no = our_id === undefined ? copyText(line.our_no) : NULL;
  const original_id = line.original_our_no === null ? undefined : decodeUuid(line.original_our_no);
  return (
    `${bill}\t${file_no}\t${line.line_no}\t${line.entry}\t${line.status}\t${our_id ?? NULL}\t${our_no}\t` +
    `${original_id ?? NULL}\t${copyText(line.channel_trade_no)}\t${copyText(line.channel_refund_no)}\t` +
    `${copyText(line.merchant_no)}\t${line.currency}\t${line.amount}\t${line.fee}\t${toRfc3339(line.occurred_at)}\t` +
    `${line.balance_after ?? NULL}\t${copyText(line.note)}\n`
  );
}
