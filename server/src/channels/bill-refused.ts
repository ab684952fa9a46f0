import type { BillRefusal } from "./contract.ts";

/** A file is no bill, or not the one that it should be. The message is a sentence for operators; nothing of it counts. */
export class BillRefused extends Error {
  override readonly name = "BillRefused";
  readonly code: BillRefusal;

  constructor(code: BillRefusal, message: string) {
    super(message);
    this.code = code;
  }
}

/** One line of a bill cannot be read: it is kept as it is, and the others are read on. The message is a sentence. */
export class LineRejected extends Error {
  override readonly name = "LineRejected";
}
