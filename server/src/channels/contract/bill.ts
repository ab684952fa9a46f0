/** The channel's bills: its own record of a day, against which ours is checked. */
import type { ChannelAccount, ChannelFailure, ChannelOperation, Unknown, WireRequest } from "../contract.ts";

/** `trade`: orders and refunds. `fund_flow`: every movement of the account's money. */
export type BillKind = "trade" | "fund_flow";

export interface BillInput {
  readonly kind: BillKind;
  /** The channel's business day, `YYYY-MM-DD`. */
  readonly date: string;
}

export type BillOutcome =
  /** The file lies at the channel. It is downloaded as it is; a redirect elsewhere is refused. */
  | {
      readonly kind: "located";
      readonly download: WireRequest;
      readonly compression: "none" | "gzip" | "zip";
      /** Lower-case hex of the SHA-1 of the decompressed bytes, where the channel tells it. */
      readonly sha1?: string;
    }
  /** The answer was the file itself. */
  | { readonly kind: "content"; readonly content: Buffer; readonly compression: "none" | "zip" }
  /** There is no file: the lines are asked for page by page, from this cursor on (`Bills.page`). */
  | { readonly kind: "paged"; readonly cursor: string }
  /** Not made yet: ask again no sooner. */
  | { readonly kind: "not_ready"; readonly retry_after_ms: number }
  /** Final: nothing happened on that day. */
  | { readonly kind: "empty" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

export interface BillPageInput extends BillInput {
  /** Opaque: where the last page ended. */
  readonly cursor: string;
}

export type BillPage =
  /** Whole lines of the file that the pages make together. `next` is undefined behind the last one. */
  | { readonly kind: "page"; readonly content: Buffer; readonly next: string | undefined }
  | Extract<BillOutcome, { kind: "not_ready" | "empty" | "failed" }>
  | Unknown;

export interface Bills {
  readonly kinds: readonly BillKind[];
  /** The hour of the next day, in the channel's time zone, from which a day's bill can be asked for: `HH:MM`. */
  readonly ready_at: string;
  /** How long a bill can be fetched, in milliseconds. */
  readonly kept_ms: number;
  /** The origins, such as `https://api.mch.weixin.qq.com`, at which a file of this account may lie. */
  origins(account: ChannelAccount): readonly string[];
  readonly locate: ChannelOperation<BillInput, BillOutcome>;
  /** For a channel whose bills are `paged`. */
  readonly page?: ChannelOperation<BillPageInput, BillPage>;
  /** How the files are read (`bill-reader.ts`), by kind. */
  readonly formats?: Readonly<Partial<Record<BillKind, BillFormat>>>;
}

/** What moved, in the words of the books. What a channel calls otherwise, and no table lists, is `other`. */
export type BillEntry =
  | "payment"
  | "refund"
  /** To somebody else: a transfer, a payout of ours. */
  | "payout"
  /** In a fund flow: what the channel takes, as a movement of its own. */
  | "fee"
  | "sharing"
  | "dispute"
  | "adjustment"
  /** Between the channel and our own bank account: the channel's payout, a withdrawal, a top-up. */
  | "settlement"
  | "other";

/** `revoked`: the money went back because the order was reversed, without a refund of ours. */
export type BillStatus = "succeeded" | "pending" | "failed" | "closed" | "revoked";

/**
 * One line of a bill, normalised. Amounts are minor units; `amount` is gross and signed: in is above zero, out below. `fee` is
 * above zero where the channel took it, below where it gave it back; in a fund flow a fee is a line of its own (`entry`), with
 * `amount` below zero and no `fee`, unless the channel nets it within the line (Stripe, PayPal).
 */
export interface BillLine {
  /** From 1, in its file. */
  readonly line_no: number;
  readonly entry: BillEntry;
  /** Our number as we sent it: of the attempt, the refund, the transfer. */
  readonly our_no: string | null;
  /** Of a refund: the attempt's. */
  readonly original_our_no: string | null;
  readonly channel_trade_no: string | null;
  readonly channel_refund_no: string | null;
  /** Whose money it is, where the bill says: a provider's sub-merchant, else the merchant. */
  readonly merchant_no: string | null;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly currency: string;
  readonly status: BillStatus;
  /** Epoch milliseconds; the channel's time zone is resolved. */
  readonly occurred_at: number;
  /** Of a fund flow: the account's balance after the movement, where it is stated. */
  readonly balance_after: bigint | null;
  /** What the channel calls it, and the like. Bounded; data of others, never a formula or markup. */
  readonly note: string | null;
}

/** A line that could not be read. It is kept: somebody must look. */
export interface RejectedLine {
  readonly line_no: number;
  /** A sentence. */
  readonly reason: string;
  /** The beginning of the line, without control characters. */
  readonly text: string;
}

/** Lines of one file, in its order. */
export interface BillBatch {
  /** From 1: which of the bill's files. Lines are numbered within it. */
  readonly file_no: number;
  readonly lines: readonly BillLine[];
  readonly rejected: readonly RejectedLine[];
}

/** What the lines of an entry, in a currency and a state, come to. */
export interface BillSum {
  readonly entry: BillEntry;
  readonly status: BillStatus;
  readonly currency: string;
  readonly count: number;
  readonly amount: bigint;
  readonly fee: bigint;
}

/** A count or a sum that the file states of itself, and what its lines come to. */
export interface StatedTotal {
  /** As the file calls it. */
  readonly name: string;
  /** As the file writes it: whole, or in major units. */
  readonly stated: string;
  /** Null where rejected lines leave it unknown. */
  readonly found: string | null;
}

export interface BillTotals {
  readonly files: number;
  readonly lines: number;
  readonly rejected: number;
  readonly sums: readonly BillSum[];
  /** All agree, but for those whose `found` is null: a bill with one that differs is refused. Empty where a file states none. */
  readonly stated: readonly StatedTotal[];
}

/** Why a file is refused as a whole. Nothing of it counts. */
export type BillRefusal =
  /** No bytes, a page of HTML, NUL bytes, no text of a known character set, an archive that is none or explodes. */
  | "empty"
  | "page"
  | "binary"
  | "encoding"
  | "archive"
  | "line_too_long"
  | "too_large"
  /** Not a bill of this channel and kind, of this account, of this day. */
  | "columns_missing"
  | "unknown_format"
  | "other_account"
  | "other_day"
  /** Cut, doubled, or not what its own summary says. */
  | "truncated"
  | "doubled"
  | "count_differs"
  | "sum_differs"
  | "too_many_rejected";

/** What a reader is told besides the file. What is given is held against what the file says. */
export interface BillReadInput {
  /** The channel's business day, `YYYY-MM-DD`. */
  readonly date?: string | undefined;
  /** The account's own number at the channel (mchid, seller_id, merId, account id). */
  readonly merchant?: string | undefined;
}

/** Where a line reader puts what it made of a line. */
export interface LineSink {
  line(line: BillLine): void;
  reject(line_no: number, reason: string, text: string): void;
}

/** Reads one file. Synchronous, as a bill has millions of lines. Throws BillRefused (`bill-refused.ts`). */
export interface LineReader {
  /** One line without its end. Each character is one byte (latin1): cells with other text are decoded one by one. */
  read(text: string, line_no: number, sink: LineSink): void;
  /** After the last line: what the file states of itself. */
  end(): readonly StatedTotal[];
}

/** A file that is about to be read. */
export interface BillFileHead {
  readonly name: string | undefined;
  /** The text of a cell, by the character set that the file has shown so far. */
  decode(cell: string): string;
}

/** How the files of a kind of bill are read. */
export interface BillFormat {
  /** Tried in this order on the first bytes that are not ASCII; all that follow must be of the same. */
  readonly charsets: readonly ("utf-8" | "gb18030")[];
  /** Undefined for a file that holds no lines, such as a summary table. */
  open(file: BillFileHead, input: BillReadInput): LineReader | undefined;
}
