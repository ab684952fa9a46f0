/** Validation of request bodies, with refusals in WeChat's shape: PARAM_ERROR and a detail that names the field. */

import { isPrivateHost } from "../kit/exchange.ts";
import type { Fields } from "../kit/input.ts";
import { isFields } from "../kit/input.ts";
import { WechatError } from "./answer.ts";

/** Refuses with PARAM_ERROR; `field` is a JSON pointer into the body. */
export function refuseField(field: string, value: unknown, issue: string): never {
  throw new WechatError(400, "PARAM_ERROR", `参数错误：${field.slice(1)} ${issue}`, {
    location: "body",
    field,
    issue,
    value: value === undefined ? "" : value,
  });
}

/** A string of 1 to `max` characters. */
export function requireText(body: Fields, key: string, max: number, path = ""): string {
  const value = body[key];
  const field = `${path}/${key}`;
  if (value === undefined || value === null) refuseField(field, value, "缺少必填参数");
  if (typeof value !== "string") refuseField(field, value, "应为字符串类型");
  if (value.length === 0 || [...value].length > max) refuseField(field, value, `长度应为1至${max}个字符`);
  return value;
}

/** A string that may be absent. */
export function allowText(body: Fields, key: string, max: number, path = ""): string | undefined {
  return body[key] === undefined || body[key] === null ? undefined : requireText(body, key, max, path);
}

/** An object that must be there. */
export function requireObject(body: Fields, key: string, path = ""): Fields {
  const value = body[key];
  if (value === undefined || value === null) refuseField(`${path}/${key}`, value, "缺少必填参数");
  if (!isFields(value)) refuseField(`${path}/${key}`, value, "应为对象类型");
  return value;
}

/** Whole fen, at least one. */
export function requireFen(amount: Fields, key: string): bigint {
  const value = amount[key];
  const field = `/amount/${key}`;
  if (value === undefined || value === null) refuseField(field, value, "缺少必填参数");
  if (typeof value !== "number" || !Number.isSafeInteger(value)) refuseField(field, value, "应为整数类型");
  if (value < 1 || value > 10_000_000_000) refuseField(field, value, "超出取值范围");
  return BigInt(value);
}

/** A number of the merchant's: 6 to 32 of the characters that WeChat allows. */
export function requireOrderNumber(body: Fields): string {
  const value = requireText(body, "out_trade_no", 32);
  if (!/^[0-9A-Za-z_\-|*]{6,32}$/.test(value)) refuseField("/out_trade_no", value, "格式不合法，应为6至32个字符");
  return value;
}

/** An https address without a query. Plain http is let through to this machine and private networks only. */
export function requireNotifyUrl(body: Fields): string {
  const value = requireText(body, "notify_url", 255);
  const url = URL.parse(value);
  const scheme_ok = url?.protocol === "https:" || (url?.protocol === "http:" && isPrivateHost(url.hostname));
  if (url === null || !scheme_ok || url.search !== "" || value.includes("?")) {
    refuseField("/notify_url", value, "应为https开头且不带参数的回调地址");
  }
  return value;
}

/** RFC 3339 with an offset, to milliseconds. */
export function readTime(body: Fields, key: string): number | undefined {
  const value = allowText(body, key, 64);
  if (value === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) refuseField(`/${key}`, value, "应为RFC3339格式");
  return ms;
}

/** The same text for the same content, whatever the order of its fields: what "the same parameters" means. */
export function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(",")}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalize(value[key])}`).join(",")}}`;
}
