/** GBK, in which Chinese channels write their bills. Node.js reads it and does not write it: the table is read once. */

let table: Map<string, number> | undefined;

function buildTable(): Map<string, number> {
  const decoder = new TextDecoder("gb18030");
  const made = new Map<string, number>();
  for (let lead = 0x81; lead <= 0xfe; lead += 1) {
    for (let trail = 0x40; trail <= 0xfe; trail += 1) {
      if (trail === 0x7f) continue;
      const character = decoder.decode(Uint8Array.of(lead, trail));
      // Two bytes that are no character of GBK begin one of four bytes, or are U+FFFD.
      if ([...character].length === 1 && character !== "\ufffd") made.set(character, (lead << 8) | trail);
    }
  }
  return made;
}

/** The text in GBK; a question mark stands for each character that GBK does not have. */
export function encodeGbk(text: string): Buffer {
  table ??= buildTable();
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const pair = table.get(character);
    if (code < 0x80) bytes.push(code);
    else if (pair === undefined) bytes.push(0x3f);
    else bytes.push(pair >> 8, pair & 0xff);
  }
  return Buffer.from(bytes);
}

/** The text in exactly `width` bytes: cut between characters, filled up with blanks. */
export function padGbk(text: string, width: number): Buffer {
  const padded = Buffer.alloc(width, 0x20);
  let at = 0;
  for (const character of text) {
    const bytes = encodeGbk(character);
    if (at + bytes.length > width) break;
    bytes.copy(padded, at);
    at += bytes.length;
  }
  return padded;
}
