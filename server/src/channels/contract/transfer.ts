/** Transfers: money from the merchant's balance with the channel to a person. */
import type { Money } from "../../kit/money.ts";
import type { Action, ChannelFailure, ChannelOperation, Unknown } from "../contract.ts";

/** How a beneficiary is named to the channel; not every channel takes every kind. */
export type BeneficiaryKind = "openid" | "user_id" | "login_id";

export interface TransferInput {
  /** Our number of the transfer: 26 alphanumerics, never changed between tries. */
  readonly transfer_no: string;
  readonly amount: Money;
  readonly beneficiary: {
    readonly kind: BeneficiaryKind;
    readonly account: string;
    /** The real name, where the channel checks it. Personal data: encrypted on the wire where it can be, never logged. */
    readonly name?: string | undefined;
  };
  /** What the beneficiary reads. */
  readonly title: string;
  readonly notify_url: string;
  readonly created_at: number;
}

export interface ChannelTransfer {
  /** Echoes, to be compared with what was asked; undefined where the channel echoes none. */
  readonly transfer_no: string | undefined;
  readonly amount: Money | undefined;
  readonly channel_transfer_no: string | undefined;
  /** Epoch milliseconds. */
  readonly transferred_at: number;
}

export type TransferOutcome =
  | { readonly kind: "succeeded"; readonly transfer: ChannelTransfer }
  /** Taken; with an action where the beneficiary must confirm first. */
  | { readonly kind: "pending"; readonly action?: Action; readonly detail?: string }
  /** No money moved, or all of it came back. */
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  /** Only in answer to a query: the channel does not have this transfer. */
  | { readonly kind: "not_found" }
  | Unknown;

export interface Transfers {
  readonly beneficiaryKinds: readonly BeneficiaryKind[];
  readonly transfer: ChannelOperation<TransferInput, TransferOutcome>;
  readonly query: ChannelOperation<TransferInput, TransferOutcome>;
  /** Takes back a transfer that its beneficiary has not confirmed, where the channel has it. */
  readonly cancel?: ChannelOperation<TransferInput, TransferOutcome>;
}
