/** A reconciled day for a person at a terminal. */
import { toDecimal } from "../../kit/money.ts";
import type { ShownDay } from "./reconcile.ts";

const figure = (amount: number | null, currency: string) =>
  amount === null ? "" : toDecimal({ amount: BigInt(amount), currency });

type Side = ShownDay["figures"][number]["ours"];

function describeSide(name: string, { payments, refunds, fee }: Side, currency: string): string {
  const moved = (group: Side["payments"]) => `${group.count} × ${figure(group.amount, currency)}`;
  return `  ${name.padEnd(8)} payments ${moved(payments)}   refunds ${moved(refunds)}   fees ${figure(fee, currency)}`;
}

/** Figures of both sides, and every open difference. */
export function describeDay(day: ShownDay): string {
  const lines = [`${day.channel_account} ${day.day}: ${day.state}${day.obstacle === null ? "" : ` (${day.obstacle})`}`];
  if (day.problem !== null) lines.push(`  ${day.problem}`);
  for (const { currency, channel, ours } of day.figures) {
    lines.push(`  ${currency}`, describeSide("channel", channel, currency), describeSide("ours", ours, currency));
  }
  if (day.matched !== null) lines.push(`  ${day.matched} agree`);
  for (const { type, state, resolution, count, at_risk, currency } of day.differences) {
    lines.push(`  ${count} ${type}, ${resolution ?? state}: ${figure(at_risk, currency)} ${currency}`);
  }
  for (const one of day.open_differences) {
    const numbers = [one.number, one.channel_trade_no].filter((number) => number !== null).join(" ");
    const amounts = `ours ${figure(one.ours.amount, one.currency) || "-"}, channel ${figure(one.channel.amount, one.currency) || "-"}`;
    lines.push(`  open: ${one.type} ${one.entry} ${numbers} ${amounts} ${one.currency}, ${one.case ?? "no case yet"}`);
  }
  return lines.join("\n");
}
