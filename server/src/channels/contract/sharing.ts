/** Sharing (分账): parts of one collected payment that the channel passes on to receivers. */
import type { Money } from "../../kit/money.ts";
import type { AttemptReference, ChannelFailure, ChannelOperation, Method, Unknown } from "../contract.ts";

/** A payment whose money may be shared: always one that the channel has confirmed. */
export type PaidAttempt = AttemptReference & { readonly channel_trade_no: string };

/** How a receiver is named to the channel; not every channel takes every kind. */
export type ReceiverKind = "merchant_no" | "openid" | "user_id" | "login_id";

export interface SharingReceiver {
  readonly kind: ReceiverKind;
  readonly account: string;
  /** The receiver's real name, where the channel checks it. Personal data: encrypted on the wire, never logged. */
  readonly name?: string | undefined;
}

export interface SharingPart {
  readonly receiver: SharingReceiver;
  readonly amount: Money;
  readonly description: string;
}

export interface ShareInput {
  readonly attempt: PaidAttempt;
  /** Our number of the sharing: 26 alphanumerics, never changed between tries. */
  readonly sharing_no: string;
  readonly parts: readonly SharingPart[];
  /** Gives what is left to the merchant: no further sharing of this payment. */
  readonly final: boolean;
  readonly created_at: number;
}

/** What became of one part. A sharing that is over may hold parts of each kind. */
export interface SharedPart {
  readonly receiver: Pick<SharingReceiver, "kind" | "account">;
  readonly amount: Money;
  readonly status: "pending" | "succeeded" | "failed";
  readonly failure?: ChannelFailure | undefined;
}

export type ShareOutcome =
  | { readonly kind: "pending"; readonly parts: readonly SharedPart[] }
  /** Over; read each part for what it got. */
  | {
      readonly kind: "finished";
      readonly channel_sharing_no: string | undefined;
      readonly parts: readonly SharedPart[];
    }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | { readonly kind: "not_found" }
  | Unknown;

/** Ends sharing: what is left is the merchant's. `sharing_no` is a number of its own. */
export interface ReleaseInput {
  readonly attempt: PaidAttempt;
  readonly sharing_no: string;
  readonly created_at: number;
}

export interface ShareReturnInput {
  readonly attempt: PaidAttempt;
  readonly sharing_no: string;
  /** Our number of the return. */
  readonly return_no: string;
  readonly receiver: SharingReceiver;
  readonly amount: Money;
  readonly created_at: number;
}

export type SharingMoveOutcome =
  | { readonly kind: "succeeded" }
  | { readonly kind: "pending" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | { readonly kind: "not_found" }
  | Unknown;

export interface Sharing {
  readonly receiverKinds: readonly ReceiverKind[];
  /** Kinds of receivers who cannot be added without their name. */
  readonly namedKinds: readonly ReceiverKind[];
  /** Kinds of receivers from whom a part can be taken back. */
  readonly returningKinds: readonly ReceiverKind[];
  /**
   * Methods whose refunds take from every receiver in proportion, rounded down, whatever the refund says: of a part of p in
   * a payment of t, a refund of r takes p × r / t.
   */
  readonly proportionalReturns?: readonly Method[];
  readonly addReceiver: ChannelOperation<SharingReceiver, SharingMoveOutcome>;
  readonly removeReceiver: ChannelOperation<SharingReceiver, SharingMoveOutcome>;
  readonly share: ChannelOperation<ShareInput, ShareOutcome>;
  readonly queryShare: ChannelOperation<ShareInput, ShareOutcome>;
  readonly release: ChannelOperation<ReleaseInput, SharingMoveOutcome>;
  readonly queryRelease: ChannelOperation<ReleaseInput, SharingMoveOutcome>;
  /** Where a receiver gives back by a call of its own; elsewhere a refund takes the parts back (`RefundInput.shared`). */
  readonly returnShare?: ChannelOperation<ShareReturnInput, SharingMoveOutcome>;
  readonly queryReturn?: ChannelOperation<ShareReturnInput, SharingMoveOutcome>;
  readonly limits: {
    /** The largest part of a payment that may be shared unless the channel has agreed to more, in parts per million. */
    readonly share_ppm_max: number;
    readonly receivers_max: number;
    /** How soon after payment sharing may begin, and how long it may, in milliseconds. */
    readonly delay_ms: number;
    readonly window_ms: number;
    /** Whether only a payment may be shared whose order asked for it (`PayInput.sharing`). */
    readonly hold_required: boolean;
  };
}
