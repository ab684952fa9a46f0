/**
 * A form as bytes. Alipay signs the bytes of the values in the character set of the notice, which is GBK for some: only
 * bytes that were never decoded verify.
 */

/** The values by name; the last of two equal names wins. A `%` that begins no escape stands for itself. */
export function readForm(body: Buffer): ReadonlyMap<string, Buffer> {
  const form = new Map<string, Buffer>();
  for (const pair of split(body, 0x26)) {
    if (pair.length === 0) continue;
    const equals = pair.indexOf(0x3d);
    const name = equals < 0 ? pair : pair.subarray(0, equals);
    const value = equals < 0 ? Buffer.alloc(0) : pair.subarray(equals + 1);
    form.set(unescapeBytes(name).toString("latin1"), unescapeBytes(value));
  }
  return form;
}

function* split(bytes: Buffer, separator: number): Generator<Buffer> {
  let start = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, start)) {
    yield bytes.subarray(start, at);
    start = at + 1;
  }
  yield bytes.subarray(start);
}

function unescapeBytes(escaped: Buffer): Buffer {
  const bytes = Buffer.alloc(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at++) {
    const byte = escaped[at]!;
    const high = byte === 0x25 ? nibbleOf(escaped[at + 1]) : -1;
    const low = high < 0 ? -1 : nibbleOf(escaped[at + 2]);
    if (low >= 0) {
      bytes[length++] = (high << 4) | low;
      at += 2;
    } else {
      bytes[length++] = byte === 0x2b ? 0x20 : byte;
    }
  }
  return bytes.subarray(0, length);
}

/** The value of a hex digit, or -1. */
function nibbleOf(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** `k=v&k=v` in bytes, sorted by name, without empty values and without `except`. */
export function canonicalizeForm(form: ReadonlyMap<string, Buffer>, except: readonly string[]): Buffer {
  const names = [...form.keys()].filter((name) => !except.includes(name) && form.get(name)!.length > 0).sort();
  const parts = names.flatMap((name, index) => [
    Buffer.from(`${index > 0 ? "&" : ""}${name}=`, "latin1"),
    form.get(name)!,
  ]);
  return Buffer.concat(parts);
}
