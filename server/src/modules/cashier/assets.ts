/**
 * The cashier's script and style, ready in memory: types stripped, hashed into their names, compressed once. A page asks
 * for the exact bytes that it was made for, so they may be kept for ever, and no build step stands before a start.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { brotliCompressSync, gzipSync } from "node:zlib";

export interface Asset {
  /** `cashier.<hash>.js` */
  readonly name: string;
  readonly content_type: string;
  readonly bytes: Readonly<Record<Encoding, Buffer>>;
}

export interface Assets {
  readonly script: Asset;
  readonly style: Asset;
}

export type Encoding = "br" | "gzip" | "identity";

const folder = new URL("../../../../web/cashier/", import.meta.url);

/** Reads and prepares both files; some tens of milliseconds, once for each process. */
export function loadAssets(): Assets {
  const script = stripTypes(readFileSync(new URL("browser/cashier.ts", folder), "utf8"));
  const style = readFileSync(new URL("cashier.css", folder), "utf8");
  return {
    script: createAsset("js", "text/javascript; charset=utf-8", script),
    style: createAsset("css", "text/css; charset=utf-8", style),
  };
}

/** Strips types quietly: that Node still calls this experimental is our affair (ADR 0008), not the operator's. */
function stripTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function createAsset(extension: string, content_type: string, text: string): Asset {
  const identity = Buffer.from(text, "utf8");
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  return {
    name: `cashier.${hash}.${extension}`,
    content_type,
    bytes: { br: brotliCompressSync(identity), gzip: gzipSync(identity, { level: 9 }), identity },
  };
}

/** The best encoding that an `Accept-Encoding` header allows. */
export function chooseEncoding(accept_encoding: string | undefined): Encoding {
  const accepted = (accept_encoding ?? "").split(",").map((part) => part.trim().toLowerCase());
  const allows = (name: string) =>
    accepted.some((part) => part === name || (part.startsWith(`${name};`) && !/;\s*q=0(\.0*)?$/.test(part)));
  if (allows("br")) return "br";
  return allows("gzip") ? "gzip" : "identity";
}
