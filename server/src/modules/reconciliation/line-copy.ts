/**
 * Lines of a bill as the bytes that COPY reads. A bill has millions of them, so this is a hot path: text made of pieces would
 * be made three times, as pieces, as one, and as bytes.
 */
import type { BillLine } from "../../channels/contract.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { decodeUuid } from "../../kit/id.ts";

const NEEDS_ESCAPE = /[\\\t\n\r]/g;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const [TAB, LF, BACKSLASH, CAPITAL_N, TILDE, BLANK] = [0x09, 0x0a, 0x5c, 0x4e, 0x7e, 0x20];

/** Of the bytes at first; of a line beside its texts; and of a character at most. */
const [ROOM, LINE_ROOM, CHARACTER_ROOM] = [131_072, 512, 3];

/** Collects lines. */
export interface LineCopy {
  /**
   * One line, in the order of the store's columns. A number that has the form of one of ours is written as the id that it
   * stands for, and as text otherwise.
   */
  add(file_no: number, line: BillLine): void;
  /** What was added since; the bytes are the caller's. */
  take(): Buffer;
}

/** @param bill its number. */
export function createLineCopy(bill: bigint): LineCopy {
  let bytes = Buffer.allocUnsafeSlow(ROOM);
  let at = 0;
  const number = String(bill);
  function makeRoom(size: number): void {
    if (at + size <= bytes.length) return;
    const more = Buffer.allocUnsafeSlow(2 * bytes.length + size);
    bytes.copy(more, 0, 0, at);
    bytes = more;
  }
  /** A value, and the tab behind it. */
  function put(value: string | null): void {
    if (value === null) {
      bytes[at] = BACKSLASH;
      bytes[at + 1] = CAPITAL_N;
      bytes[at + 2] = TAB;
      at += 3;
      return;
    }
    const { length } = value;
    // Escaped, each character may be two.
    makeRoom(2 * CHARACTER_ROOM * length + LINE_ROOM);
    const start = at;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code < BLANK || code > TILDE || code === BACKSLASH) {
        at =
          start +
          bytes.write(
            value.replace(NEEDS_ESCAPE, (character) => escapes[character]!),
            start,
          );
        break;
      }
      bytes[at] = code;
      at += 1;
    }
    bytes[at] = TAB;
    at += 1;
  }
  return {
    add(file_no, line) {
      makeRoom(LINE_ROOM);
      put(number);
      put(String(file_no));
      putLine(put, line);
      bytes[at - 1] = LF;
    },
    take() {
      const taken = bytes.subarray(0, at);
      bytes = Buffer.allocUnsafeSlow(ROOM);
      at = 0;
      return taken;
    },
  };
}

function putLine(put: (value: string | null) => void, line: BillLine): void {
  const our_id = idOf(line.our_no);
  put(String(line.line_no));
  put(line.entry);
  put(line.status);
  put(our_id);
  put(our_id === null ? line.our_no : null);
  put(idOf(line.original_our_no));
  put(line.channel_trade_no);
  put(line.channel_refund_no);
  put(line.merchant_no);
  put(line.currency);
  put(String(line.amount));
  put(String(line.fee));
  put(toRfc3339(line.occurred_at));
  put(line.balance_after === null ? null : String(line.balance_after));
  put(line.note);
}

const idOf = (number: string | null): string | null => (number === null ? null : (decodeUuid(number) ?? null));
