/** Puts the HTTP server together: the API behind keys, the channels' notices, the cashier, health and documentation. */
import { channels } from "../channels/registry.ts";
import type { ApiServer } from "../kit/http/api.ts";
import { createRateLimiter, limitByAddress, type RateLimit } from "../kit/http/rate-limit.ts";
import { registerReferencePages } from "../kit/http/reference.ts";
import { createHttpServer } from "../kit/http/server.ts";
import { registerAccountOperationRoutes } from "../modules/account-operation/index.ts";
import { registerAdministrationRoutes } from "../modules/administration/index.ts";
import { registerOperatorAgentRoutes } from "../modules/agent/index.ts";
import { openAgentScope, registerAgentPortal } from "../modules/agent-portal/index.ts";
import { registerApprovalRoutes } from "../modules/approval/index.ts";
import { registerBalanceRoutes } from "../modules/balance/index.ts";
import { registerBeneficiaryOperatorRoutes, registerBeneficiaryRoutes } from "../modules/beneficiary/index.ts";
import { registerCashierRoutes } from "../modules/cashier/index.ts";
import { registerChannelRoutes } from "../modules/channel-account/index.ts";
import { registerOperatorCommissionRoutes } from "../modules/commission/index.ts";
import { registerLedgerKeys, registerReadProof } from "../modules/daily-close/index.ts";
import { registerDisputeRoutes } from "../modules/dispute/index.ts";
import { registerFeeRoutes } from "../modules/fee/index.ts";
import { registerNoticeRoutes } from "../modules/notice/index.ts";
import { openOperatorScope, registerListActions } from "../modules/operator/index.ts";
import { createCashierService, registerPaymentRoutes } from "../modules/payment/index.ts";
import { registerPayoutOperatorRoutes, registerPayoutRoutes } from "../modules/payout/index.ts";
import { registerReconciliationRoutes } from "../modules/reconciliation/index.ts";
import { registerRefundRoutes } from "../modules/refund/index.ts";
import { registerReserveRoutes } from "../modules/reserve/index.ts";
import { registerRoutingRoutes } from "../modules/routing/index.ts";
import { registerServiceFeeOperatorRoutes, registerServiceFeeRoutes } from "../modules/service-fee/index.ts";
import { registerSettlementOperatorRoutes, registerSettlementRoutes } from "../modules/settlement/index.ts";
import { registerSharingRoutes } from "../modules/sharing/index.ts";
import { registerStatementRoutes } from "../modules/statement/index.ts";
import { registerSessionRoutes } from "../modules/user/index.ts";
import { registerWebhookRoutes } from "../modules/webhook/index.ts";
import { registerHealth } from "./health.ts";
import type { Services } from "./services.ts";

export interface ApiSettings {
  trusted_proxies: readonly string[];
  /** Requests per second and address on pages that need no key. */
  address_rate: number;
  /** Refused notices per address; the module's own limit unless given. */
  notice_refusal_limit?: RateLimit;
  /** Where the sandbox is, when it runs: its stand-in for WeChat's bridge serves payments in test mode. */
  sandbox_url: string | undefined;
}

export async function createApi(services: Services, settings: ApiSettings): Promise<ApiServer> {
  const { clock, random, log } = services;
  const base_url = services.settings.public_url;
  const server = await createHttpServer({ log, clock, random, base_url, trust_proxy: settings.trusted_proxies });
  registerHealth(server, services);
  await server.register(async (v1) => {
    v1.addHook("onRequest", services.authenticator.hook);
    registerPaymentRoutes(v1, services.payment);
    registerRefundRoutes(v1, services.refund);
    registerDisputeRoutes(v1, services.dispute);
    registerFeeRoutes(v1, services);
    registerBalanceRoutes(v1, services);
    registerStatementRoutes(v1, services);
    registerReadProof(v1, services);
    registerServiceFeeRoutes(v1, services);
    registerSettlementRoutes(v1, services.settlement);
    registerReserveRoutes(v1, services.reserve);
    registerBeneficiaryRoutes(v1, services);
    registerPayoutRoutes(v1, services.payout);
    registerSharingRoutes(v1, services.sharing);
    registerWebhookRoutes(v1, services.webhook);
    registerChannelRoutes(v1, channels);
    registerRoutingRoutes(v1, services.routing);
  });
  await registerPeople(server, services, settings);
  registerNoticeRoutes(server, services, { refusal_limit: settings.notice_refusal_limit });
  await server.register(async (pages) => {
    const limiter = createRateLimiter(clock, { per_second: settings.address_rate, burst: 4 * settings.address_rate });
    pages.addHook("onRequest", limitByAddress(limiter));
    registerCashierRoutes(pages, {
      service: createCashierService(services.payment),
      public_url: base_url,
      clock,
      log,
      random,
      jsbridge_url: settings.sandbox_url && `${settings.sandbox_url}/wechat/jsbridge.js`,
    });
    registerSessionRoutes(pages, { ...services, public_url: base_url });
    registerLedgerKeys(pages, services);
    registerReferencePages(pages);
  });
  return server;
}

/** What people who are signed in ask for: operators, and people of agents. */
async function registerPeople(server: ApiServer, services: Services, { address_rate }: ApiSettings): Promise<void> {
  const { clock } = services;
  const { public_url } = services.settings;
  const limit = () => limitByAddress(createRateLimiter(clock, { per_second: address_rate, burst: 4 * address_rate }));
  await server.register(async (operator) => {
    operator.addHook("onRequest", limit());
    openOperatorScope(operator, { ...services, public_url });
    registerAdministrationRoutes(operator, services);
    registerAccountOperationRoutes(operator, services.account_operation);
    registerApprovalRoutes(operator, services.approval);
    registerListActions(operator, services);
    registerBeneficiaryOperatorRoutes(operator, services);
    registerPayoutOperatorRoutes(operator, services.payout);
    registerReconciliationRoutes(operator, services.reconciliation);
    registerSettlementOperatorRoutes(operator, services.settlement);
    registerServiceFeeOperatorRoutes(operator, services.serviceFee);
    registerOperatorAgentRoutes(operator, services);
    registerOperatorCommissionRoutes(operator, services);
  });
  await server.register(async (agents) => {
    agents.addHook("onRequest", limit());
    openAgentScope(agents, { ...services, public_url });
    registerAgentPortal(agents, services);
  });
}
