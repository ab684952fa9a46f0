/** What both kinds of bills are written with. */
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import { encodeGbk } from "../kit/gbk.ts";
import type { ZipFile } from "../kit/zip.ts";
import { formatYuan } from "./money.ts";
import type { AlipayTrade } from "./state.ts";

export const day_ms = 86_400_000;

/** Yuan with a sign where it is below zero. */
export function signedYuan(fen: bigint): string {
  return fen < 0n ? `-${formatYuan(-fen)}` : formatYuan(fen);
}

/** `2026年11月20日 00:00:00`. */
export function chineseTime(ms: number): string {
  const [date = "", time = ""] = formatBeijing(ms).split(" ");
  const [year, month, day] = date.split("-");
  return `${year}年${month}月${day}日 ${time}`;
}

/** The lines before a table: what it is, whose, and of when. */
export function writeHead(title: string, list: string, seller_id: string, start_ms: number): string[] {
  return [
    `#支付宝${title}查询`,
    `#账号：[${seller_id}0156]`,
    `#起始日期：[${chineseTime(start_ms)}]   终止日期：[${chineseTime(start_ms + day_ms)}]`,
    `#${"-".repeat(41)}${list}${"-".repeat(40)}`,
  ];
}

export const writeEnd = (list: string): string => `#${"-".repeat(41)}${list}结束${"-".repeat(36)}`;

export const toFile = (name: string, lines: readonly string[]): ZipFile => ({
  name,
  content: encodeGbk(lines.map((line) => `${line}\r\n`).join("")),
});

/** Trades of all applications of the merchant. */
export function tradesOf(sandbox: Sandbox, seller_id: string): AlipayTrade[] {
  const own = (app_id: string) => sandbox.alipay.members.get(app_id)?.merchant.seller_id === seller_id;
  return [...sandbox.alipay.trades.values()].filter(({ app_id }) => own(app_id));
}
