/** The composition root: opens what everything shares and puts the modules together. Tests compose the same way. */
import { createChannelCaller } from "../channels/call.ts";
import { channels as allChannels, getChannel } from "../channels/registry.ts";
import type { Clock } from "../kit/clock.ts";
import { createEnvelope, type Envelope, type MasterKey } from "../kit/crypto.ts";
import { createIdSource, type IdSource } from "../kit/id.ts";
import type { Logger } from "../kit/log.ts";
import {
  createObjectStorage,
  type ObjectStorage,
  type ObjectStorageSettings,
} from "../kit/object-storage/object-storage.ts";
import type { Random } from "../kit/random.ts";
import { type Database, openDatabase } from "../kit/sql/database.ts";
import type { DueLoop } from "../kit/worker/due-loop.ts";
import { type AccountOperationServices, createOperationHandlers } from "../modules/account-operation/index.ts";
import { createConfirmationHandlers } from "../modules/administration/index.ts";
import { type ApprovalServices, createApprovalWorker, registerApprovalHandlers } from "../modules/approval/index.ts";
import { createAccountUpkeep, createChannelAccounts, createKeyRenewal } from "../modules/channel-account/index.ts";
import { createCommissionWorkers } from "../modules/commission/index.ts";
import { createCloseWorker } from "../modules/daily-close/index.ts";
import type { DisputeServices } from "../modules/dispute/index.ts";
import { type Authenticator, createAuthenticator } from "../modules/identity/index.ts";
import { getMerchant, loadWebhookSecrets } from "../modules/merchant/index.ts";
import {
  askAttempt,
  createPastAttempts,
  createPaymentServices,
  createPaymentWorkers,
  type PaymentServices,
} from "../modules/payment/index.ts";
import {
  askAutomatic,
  createPayoutApprovalHandler,
  createPayoutWorkers,
  PAYOUT_APPROVAL,
  type PayoutServices,
} from "../modules/payout/index.ts";
import {
  CASE_APPROVAL,
  CLOSE_APPROVAL,
  caseApprovalHandler,
  closeApprovalHandler,
  createDayOpener,
  createReconciliationWorker,
  type ReconciliationServices,
} from "../modules/reconciliation/index.ts";
import {
  askRefund,
  createRefundServices,
  createRefundWorkers,
  type RefundServices,
  startAutomaticRefunds,
} from "../modules/refund/index.ts";
import {
  createReserveWorker,
  RESERVE_RELEASE_APPROVAL,
  type ReserveServices,
  reserveReleaseHandler,
} from "../modules/reserve/index.ts";
import { createRouter, type PastAttempts, type Router, type registerRoutingRoutes } from "../modules/routing/index.ts";
import {
  createServiceFeeWorkers,
  createStops,
  type ServiceFeeServices,
  type Stops,
  serviceFeeApprovalHandlers,
} from "../modules/service-fee/index.ts";
import {
  createSettlementWorker,
  SETTLEMENT_APPROVAL,
  type SettlementServices,
  settlementApprovalHandler,
} from "../modules/settlement/index.ts";
import {
  createPaymentSharing,
  createSharedRefunds,
  createSharingRules,
  createSharingWorkers,
  type SharingServices,
} from "../modules/sharing/index.ts";
import { createWebhookWorker, refuseReceiverUrl, type WebhookServices } from "../modules/webhook/index.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createIdempotencyPurge } from "./purge.ts";
import { createVerification } from "./verification.ts";

export interface ServiceSettings {
  database_url: string;
  database_connections: number;
  database_distributed: boolean;
  public_url: string;
  /** Requests per second and key. */
  key_rate: number;
  webhook_private_addresses: boolean;
  attempt_reuse_ms: number;
  /** How long a channel may take to answer; 12 s unless given. */
  channel_timeout_ms?: number;
  object_storage: ObjectStorageSettings;
}

/** What a process is made of besides its settings. */
export interface Parts {
  clock: Clock;
  random: Random;
  log: Logger;
  master_keys: readonly [MasterKey, ...MasterKey[]];
}

export interface Services extends Parts {
  settings: ServiceSettings;
  db: Database;
  ids: IdSource;
  envelope: Envelope;
  accounts: ReturnType<typeof createChannelAccounts>;
  approval: ApprovalServices;
  account_operation: AccountOperationServices;
  authenticator: Authenticator;
  payment: PaymentServices;
  refund: RefundServices;
  dispute: DisputeServices;
  payout: PayoutServices;
  settlement: SettlementServices;
  reserve: ReserveServices;
  sharing: SharingServices;
  reconciliation: ReconciliationServices;
  serviceFee: ServiceFeeServices;
  /** Whose direct payments are stopped, as this process knows it. */
  stops: Stops;
  webhook: WebhookServices;
  routing: Parameters<typeof registerRoutingRoutes>[1];
  storage: ObjectStorage;
  /** All workers, not started. */
  workers: readonly DueLoop[];
  close(): Promise<void>;
}

/** Opens the database and puts the modules together; nothing runs before workers are started or a server listens. */
export function createServices(settings: ServiceSettings, parts: Parts): Services {
  const { clock, random, log } = parts;
  const { database_url: url, database_connections: connections_max } = settings;
  const db = openDatabase({ url, connections_max, log, random });
  const ids = createIdSource(clock, random);
  const envelope = createEnvelope(parts.master_keys, random);
  const timeout = settings.channel_timeout_ms === undefined ? {} : { timeout_ms: settings.channel_timeout_ms };
  const channels = createChannelCaller({ clock, random, log, ...timeout });
  const accounts = createChannelAccounts({ db, clock, envelope });
  const kick = { attempts() {}, refunds() {}, payouts() {}, sharings() {}, webhooks() {} };
  const past = createPastAttempts(db);
  const stops = createStops({ db, clock, log });
  const isDirectStopped = stops.isStopped;
  const routing = createRouter({ db, clock, getChannel, accounts, channels, past, isDirectStopped });
  const approval: ApprovalServices = { db, clock, ids, log, handlers: new Map() };
  const storage = createObjectStorage(settings.object_storage, { clock, random });
  const shared = {
    storage,
    db,
    clock,
    random,
    ids,
    log,
    envelope,
    channels,
    getChannel,
    accounts,
    kick,
    routing,
    past,
    approval,
  };
  const modules = createModules(settings, shared);
  registerApprovalHandlers(approval, {
    ...createOperationHandlers(modules.account_operation),
    ...createConfirmationHandlers(modules),
    [SETTLEMENT_APPROVAL]: settlementApprovalHandler(modules.settlement),
    [RESERVE_RELEASE_APPROVAL]: reserveReleaseHandler(modules.reserve),
    [PAYOUT_APPROVAL]: createPayoutApprovalHandler(modules.payout),
    ...serviceFeeApprovalHandlers(modules.serviceFee),
    [CASE_APPROVAL]: caseApprovalHandler(modules.reconciliation),
    [CLOSE_APPROVAL]: closeApprovalHandler(modules.reconciliation),
  });
  const authenticator = createAuthenticator({
    db,
    clock,
    key_limit: { per_second: settings.key_rate, burst: 2 * settings.key_rate },
    failure_limit: { per_second: 1, burst: 20 },
  });
  return {
    ...{ ...parts, settings, db, ids, envelope, accounts, authenticator, approval, storage, stops, ...modules },
    workers: createWorkers(settings, shared, modules),
    async close() {
      await channels.end();
      await storage.end();
      await db.close();
    },
  };
}

type Shared = Pick<PaymentServices, "db" | "clock" | "random" | "ids" | "log" | "channels" | "getChannel"> &
  Pick<Services, "envelope" | "accounts" | "approval" | "storage"> & {
    routing: Router;
    past: PastAttempts;
    kick: PaymentServices["kick"] & PayoutServices["kick"];
  };
type Modules = Pick<
  Services,
  | "account_operation"
  | "payment"
  | "refund"
  | "dispute"
  | "payout"
  | "settlement"
  | "reserve"
  | "sharing"
  | "reconciliation"
  | "serviceFee"
  | "webhook"
  | "routing"
>;

function createModules(settings: ServiceSettings, shared: Shared): Modules {
  const { db, ids, kick } = shared;
  const policy = receiverPolicy(settings);
  const common = { public_url: settings.public_url, distributed: settings.database_distributed };
  const sharing: SharingServices = { ...shared, rules: createSharingRules(shared) };
  const refund = createRefundServices({ ...shared, settings: common, sharing: createSharedRefunds(sharing) });
  const payment = createPaymentServices({
    ...shared,
    sharing: createPaymentSharing(sharing),
    settings: {
      ...common,
      attempt_reuse_ms: settings.attempt_reuse_ms,
      refuseNotifyUrl: (url, livemode) => refuseReceiverUrl(url, livemode, policy),
    },
    merchantName: async (merchant_id) => (await getMerchant(db, merchant_id)).name,
    startAutomaticRefunds: (tx, duplicates, at) => startAutomaticRefunds(ids, tx, duplicates, at),
  });
  return {
    account_operation: shared,
    ...{ sharing, refund, payment },
    dispute: shared,
    payout: { ...shared, settings: common },
    serviceFee: shared,
    settlement: {
      ...shared,
      onSettled: (tx, settlements) =>
        askAutomatic(
          tx,
          settlements.map((settlement) => ({ ...settlement, settlement_id: settlement.id })),
          shared.clock.now(),
        ),
    },
    reserve: shared,
    reconciliation: {
      ...shared,
      askAttempt: (key) => askAttempt(payment, key),
      askRefund: (key) => askRefund(refund, key),
    },
    routing: { ...shared, router: shared.routing },
    webhook: { ...shared, ...policy, kickWebhookWorker: () => kick.webhooks() },
  };
}

function receiverPolicy(settings: ServiceSettings) {
  return { allow_private_addresses: settings.webhook_private_addresses };
}

/** The workers, and the kicks that tell them of due rows. */
function createWorkers(settings: ServiceSettings, shared: Shared, modules: Modules): DueLoop[] {
  const { db, clock, log, envelope, ids, kick } = shared;
  const channel_ids = Object.keys(allChannels);
  const { attempts, ends } = createPaymentWorkers(modules.payment, channel_ids);
  const refunds = createRefundWorkers(modules.refund, channel_ids);
  const payouts = createPayoutWorkers(modules.payout, channel_ids);
  const webhooks = createWebhookWorker({
    ...shared,
    ...receiverPolicy(settings),
    loadAppWebhookSecrets: (merchant_id, app_id) =>
      loadWebhookSecrets({ sql: db, clock, envelope }, { merchant_id, app_id }),
  });
  kick.attempts = () => {
    for (const worker of attempts) worker.kick();
  };
  kick.refunds = () => {
    for (const worker of refunds) worker.kick();
  };
  kick.payouts = () => {
    for (const worker of payouts) worker.kick();
  };
  const sharings = createSharingWorkers(modules.sharing, channel_ids);
  kick.sharings = () => {
    for (const worker of sharings) worker.kick();
  };
  kick.webhooks = () => webhooks.kick();
  const beat = createHeartbeat(db, clock, log, ids.uuid());
  const accounts = [createAccountUpkeep(shared), createKeyRenewal(shared)];
  const settlements = createSettlementWorker(modules.settlement);
  return [
    ...attempts,
    ends,
    ...refunds,
    ...payouts,
    ...sharings,
    webhooks,
    ...accounts,
    createCloseWorker(shared),
    settlements,
    createReserveWorker(modules.reserve),
    createDayOpener(modules.reconciliation),
    createReconciliationWorker(modules.reconciliation),
    ...createServiceFeeWorkers(modules.serviceFee),
    createApprovalWorker(shared.approval),
    ...createCommissionWorkers(shared),
    createIdempotencyPurge(db, clock, log),
    createVerification({ db, clock, ids, log }),
    beat,
  ];
}
