/** What the use cases of this module need. The composition root (main) puts it together. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Caller } from "../../kit/http/api.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import type { Router } from "../routing/index.ts";
import type { AttemptItem, AttemptResult } from "./create-attempt.ts";
import type { CreateItem, CreateResult } from "./create-payment.ts";
import type { Attempt, Payment, SharingPlan } from "./payment.ts";
import type { OutcomeItem, OutcomeResult } from "./record-outcomes.ts";

/** A channel account that can serve a method, as routing data: no credentials. */
export interface AccountChoice {
  id: string;
  channel: string;
  funding_mode: "direct" | "pooled";
  methods: readonly string[];
}

export interface ChannelAccounts {
  /** All accounts that a merchant may collect through. */
  listForMerchant(wanted: { merchant_id: string; livemode: boolean }): Promise<readonly AccountChoice[]>;
  /** An account with its credentials, or undefined when it does not exist. */
  open(id: string): Promise<ChannelAccount | undefined>;
}

export interface PaymentSettings {
  /** Where payers' browsers and channels reach us, without a trailing slash. */
  public_url: string;
  /** The same payment and method asked again within this time continues the running attempt. */
  attempt_reuse_ms: number;
  /** Whether the database is distributed by merchant: groups then never mix merchants. */
  distributed: boolean;
  /** Says why a notify_url may not be called, or undefined when it may. */
  refuseNotifyUrl(url: string, livemode: boolean): string | undefined;
}

/** Tells a worker that rows became due. */
export interface WorkerKicks {
  attempts(): void;
  refunds(): void;
  sharings(): void;
  webhooks(): void;
}

export interface PaymentServices {
  db: Database;
  clock: Clock;
  random: Random;
  ids: IdSource;
  log: Logger;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  accounts: ChannelAccounts;
  routing: Pick<Router, "route" | "prepareCounting">;
  settings: PaymentSettings;
  merchantName(merchant_id: string): Promise<string>;
  /** The refund module's part of a second success: starts the refund of the duplicate, in the same transaction. */
  startAutomaticRefunds(tx: Transaction, duplicates: readonly Attempt[], at: number): Promise<void>;
  sharing: PaymentSharing;
  /** Called after a commit that made work for a worker of this process; without it the worker finds it by itself. */
  kick: WorkerKicks;
  readonly groups: PaymentGroups;
}

/** What a merchant asks to be shared of a payment, by public ids. */
export interface AskedSharing {
  receivers?: readonly AskedShare[] | undefined;
  group?: string | undefined;
  hold?: boolean | undefined;
  release?: boolean | undefined;
}

export interface AskedShare {
  receiver: string;
  amount?: number | undefined;
  ratio_ppm?: number | undefined;
  description?: string | undefined;
}

/** The sharing module's part of a payment. */
export interface PaymentSharing {
  /** What is to be shared: as asked, else by the rule of the app or the merchant; null where nothing is. */
  plan(caller: Caller, asked: AskedSharing | undefined): Promise<SharingPlan | null>;
  /** Writes what is to be shared of payments that were just paid, in the same transaction. */
  start(tx: Transaction, paid: readonly { payment: Payment; attempt: Attempt }[], at: number): Promise<void>;
}

/** The grouped writes of the module, made by `createPaymentGroups`. */
export interface PaymentGroups {
  create(item: CreateItem): Promise<CreateResult>;
  startAttempt(item: AttemptItem): Promise<AttemptResult>;
  recordOutcome(item: OutcomeItem): Promise<OutcomeResult>;
  /** Reads one attempt, together with others asked for at the same moment. */
  loadAttempt(key: TenantKey): Promise<Attempt | undefined>;
}
