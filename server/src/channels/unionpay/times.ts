/** UnionPay's times: `yyyyMMddHHmmss` in Beijing, and days that turn at 23:00. */
import { fromRfc3339, toBeijingTime } from "../beijing-time.ts";

/** `20261120200509`, seconds rounded down. */
export function toCompactTime(at_ms: number): string {
  return toBeijingTime(at_ms).replace(/[-: ]/g, "");
}

/** Epoch milliseconds of `20261120200509`, or undefined when the text is not such a time. */
function fromCompactTime(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  return fromRfc3339(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`);
}

/**
 * Epoch milliseconds of a `traceTime` (`MMddHHmmss`), which lacks its year: it is that of the order's `txnTime`, the next
 * one when the payer paid after New Year, or the one before when the bank's clock was behind the order's at New Year.
 * Undefined when either is no time.
 */
export function fromTraceTime(traceTime: string, txnTime: string): number | undefined {
  if (!/^\d{14}$/.test(txnTime)) return undefined;
  const [ordered, traced] = [txnTime.slice(4, 6), traceTime.slice(0, 2)];
  // Clocks of bank and gateway may differ a little: only across New Year are order and trace of different years.
  const turn = (ordered === "12" && traced === "01" ? 1 : 0) - (ordered === "01" && traced === "12" ? 1 : 0);
  const year = String(Number(txnTime.slice(0, 4)) + turn).padStart(4, "0");
  return fromCompactTime(`${year}${traceTime}`);
}

/** A number of UnionPay's day, which begins at 23:00 in Beijing. */
export function settlementDay(at_ms: number): number {
  return Math.floor((at_ms + 9 * 3_600_000) / 86_400_000);
}
