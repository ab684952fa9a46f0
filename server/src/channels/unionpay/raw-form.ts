/**
 * UnionPay answers `k=v&k=v` without any encoding: a value may hold `=`, `+` and line ends as they are, and one that
 * begins with `{` holds `&` too, up to its `}`.
 */
export function parseRawForm(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf("=", at);
    if (equals < 0) break;
    const name = text.slice(at, equals);
    const end = endOfValue(text, equals + 1);
    // A plain assignment to `__proto__` would be none.
    Object.defineProperty(fields, name, { value: text.slice(equals + 1, end), enumerable: true, configurable: true });
    at = end + 1;
  }
  return fields;
}

function endOfValue(text: string, start: number): number {
  const closing = text[start] === "{" ? text.indexOf("}", start) : start;
  const end = text.indexOf("&", closing < 0 ? start : closing);
  return end < 0 ? text.length : end;
}
