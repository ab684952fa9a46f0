/**
 * The flat XML of WeChat Pay API v2, and its signatures: HMAC-SHA256 or MD5 over the sorted fields and the v2 key.
 * Only `<xml>` with elements of text or CDATA is read; a document type, a nesting or an attribute is refused.
 */
import { createHmac, hash } from "node:crypto";

export type XmlFields = Record<string, string>;

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeText(text: string): string | undefined {
  let good = true;
  const plain = text.replace(/&(\w+);|[&<]/g, (_, name: string | undefined) => {
    const known = name === undefined ? undefined : entities[name];
    good &&= known !== undefined;
    return known ?? "";
  });
  return good ? plain : undefined;
}

/** Reads a document; undefined when it is anything but flat. */
export function readXml(text: string): XmlFields | undefined {
  const body = /^\s*(?:<\?xml[^<>]*\?>\s*)?<xml>([\s\S]*)<\/xml>\s*$/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const fields: XmlFields = {};
  const element = /\s*<(\w+)>(?:\s*<!\[CDATA\[((?:(?!\]\]>)[\s\S])*)\]\]>\s*|([^<]*))<\/\1>\s*|\s*<(\w+)\/>\s*/y;
  while (element.lastIndex < body.length) {
    const at = element.lastIndex;
    const match = element.exec(body);
    if (match === null) return body.slice(at).trim() === "" ? fields : undefined;
    const name = match[1] ?? match[4]!;
    const value = match[2] ?? unescapeText(match[3] ?? "");
    if (value === undefined || Object.hasOwn(fields, name)) return undefined;
    fields[name] = value;
  }
  return fields;
}

/** Writes a document as WeChat does: each text in CDATA. */
export function writeXml(fields: XmlFields): string {
  const lines = Object.entries(fields).map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`);
  return `<xml>${lines.join("\n")}</xml>`;
}

/** The signature of all non-empty fields but `sign`. */
export function signFields(fields: XmlFields, key: string, sign_type: string | undefined): string {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] !== "");
  const text = `${names
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join("&")}&key=${key}`;
  const digest = sign_type === "HMAC-SHA256" ? createHmac("sha256", key).update(text).digest("hex") : hash("md5", text);
  return digest.toUpperCase();
}
