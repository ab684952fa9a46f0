/** Alipay's amounts: strings of yuan with at most two decimals, held here as whole fen. */

/** Reads yuan ("88.88", or a JSON number, which Alipay accepts too) as fen; undefined when it is no amount. */
export function parseYuan(value: unknown): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const match = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1]!) * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
}

/** Writes fen as yuan with two decimals. */
export function formatYuan(fen: bigint): string {
  const digits = fen.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
