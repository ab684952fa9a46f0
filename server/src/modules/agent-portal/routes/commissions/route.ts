import { Readable } from "node:stream";
import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import { entryId, readEntryPlace } from "../../../balance/index.ts";
import {
  CommissionLineObject,
  CommissionSettlementObject,
  type DatedChange,
  exportLines,
  findCommissionSettlement,
  listChanges,
  listCommissionSettlements,
  presentCommissionSettlement,
  presentLine,
  readLines,
} from "../../../commission/index.ts";
import type { AgentPortalServices } from "../../services.ts";
import { findMerchantWithin } from "../../within.ts";

const tags = ["Agents: commission"];
const Livemode = Type.Optional(Type.Boolean({ default: true, description: "Live money, or the sandbox's." }));
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const SETTLEMENTS = "/agent/v1/commission_settlements";

/** `GET /agent/v1/commissions`, and months with their lines, as JSON and CSV. */
export function registerCommissionRoutes(agents: ApiServer, services: AgentPortalServices): void {
  registerCommissions(agents, services);
  registerSettlements(agents, services);
  registerLines(agents, services);
}

const CommissionObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("commission"),
  livemode: Type.Boolean(),
  merchant: Type.String(),
  type: Type.Unsafe<DatedChange["type"]>({
    type: "string",
    enum: ["payment", "refund", "refund_failed", "correction"],
  }),
  method: Type.Union([Type.String(), Type.Null()]),
  payment: Type.Union([Type.String(), Type.Null()]),
  currency: Type.String(),
  turnover: Type.Integer({ description: "Of the payment or refund, in minor units." }),
  amount: Type.Integer({ description: "What you earned, or (negative) gave back." }),
  created_at: Type.String({ format: "date-time" }),
});

const CommissionsQuery = Type.Object({
  ...pageProperties,
  merchant: Type.String({ maxLength: 64, description: "Of which merchant." }),
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", default: "CNY" })),
  livemode: Livemode,
});

function registerCommissions(agents: ApiServer, { db, clock }: AgentPortalServices): void {
  agents.get(
    "/agent/v1/commissions",
    {
      schema: {
        ...{ operationId: "listYourCommissions", tags, summary: "List your commission from a merchant, newest first" },
        querystring: CommissionsQuery,
        response: { 200: ListOf(CommissionObject) },
      },
    },
    async ({ agent: { agent_id }, query }) => {
      const { merchant_id } = await findMerchantWithin(db, agent_id, query.merchant, clock.now());
      const { livemode = true, currency = "CNY" } = query;
      const page = readPage(query, "ledger_transaction");
      const last_number = page.older_than === null ? 2n ** 62n : readEntryPlace(page.older_than).number - 1n;
      const first_number = page.newer_than === null ? 1n : readEntryPlace(page.newer_than).number + 1n;
      const range = { merchant_id, agent_id, livemode, currency, first_number, last_number };
      const { rows, has_more } = cutPage(page, await listChanges(db, range, page.fetch, page.order));
      const data = rows.map((change) => presentCommission(change, merchant_id, livemode, currency));
      return toList(data, has_more, "/agent/v1/commissions");
    },
  );
}

function presentCommission(change: DatedChange, merchant_id: string, livemode: boolean, currency: string) {
  const { type, method = null, payment_id, turnover, amount, number, occurred_at } = change;
  return {
    id: entryId({ number, line: 1 }),
    object: "commission" as const,
    livemode,
    merchant: publicId("merchant", merchant_id),
    ...{ type, method, currency, turnover: Number(turnover), amount: Number(amount) },
    payment: payment_id === null ? null : publicId("payment", payment_id),
    created_at: toRfc3339(occurred_at),
  };
}

function registerSettlements(agents: ApiServer, { db }: AgentPortalServices): void {
  agents.get(
    SETTLEMENTS,
    {
      schema: {
        ...{ operationId: "listYourCommissionSettlements", tags, summary: "List your months" },
        querystring: Type.Object({
          ...pageProperties,
          month: Type.Optional(Type.String({ pattern: "^\\d{4}-\\d{2}$", description: "Only this month." })),
          livemode: Livemode,
        }),
        response: { 200: ListOf(CommissionSettlementObject) },
      },
    },
    async ({ agent: { agent_id: merchant_id }, query }) => {
      const { month = null, livemode = true } = query;
      const page = readPage(query, "commission_settlement");
      const found = await listCommissionSettlements(db, { merchant_id, livemode, month, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentCommissionSettlement), has_more, SETTLEMENTS);
    },
  );
  agents.get(
    `${SETTLEMENTS}/:id`,
    {
      schema: {
        ...{ operationId: "readYourCommissionSettlement", tags, summary: "Read a month" },
        params: Params,
        response: { 200: CommissionSettlementObject },
      },
    },
    async ({ agent: { agent_id }, params }) =>
      presentCommissionSettlement(await findCommissionSettlement(db, agent_id, params.id)),
  );
}

function registerLines(agents: ApiServer, { db }: AgentPortalServices): void {
  agents.get(
    `${SETTLEMENTS}/:id/lines`,
    {
      schema: {
        ...{ operationId: "listYourCommissionLines", tags, summary: "List a month's merchants and methods" },
        description: "The first 500 lines; has_more says that there are others, which are in the CSV.",
        params: Params,
        response: { 200: ListOf(CommissionLineObject) },
      },
    },
    async ({ agent: { agent_id }, params }) => {
      const settlement = await findCommissionSettlement(db, agent_id, params.id);
      const path = `${SETTLEMENTS}/${params.id}/lines`;
      let data: ReturnType<typeof presentLine>[] | undefined;
      for await (const { lines, names } of readLines(db, settlement.id)) {
        if (data !== undefined) return toList(data, lines.length > 0, path);
        data = lines.map((line) => presentLine(line, names));
      }
      return toList(data ?? [], false, path);
    },
  );
  const file = Type.Unsafe<Readable>({ type: "string", format: "binary" });
  agents.get(
    `${SETTLEMENTS}/:id/lines.csv`,
    {
      exposeHeadRoute: false,
      schema: {
        ...{ operationId: "exportYourCommissionLines", tags, summary: "Export a month's statement as CSV" },
        description: "A line for each merchant and method, amounts in major units.",
        params: Params,
        response: { 200: { description: "The file.", content: { "text/csv": { schema: file } } } },
      },
    },
    async ({ agent: { agent_id }, params }, reply) => {
      const settlement = await findCommissionSettlement(db, agent_id, params.id);
      const name = `commission-${settlement.month}-${settlement.currency}.csv`;
      reply.type("text/csv; charset=utf-8").header("content-disposition", `attachment; filename="${name}"`);
      return reply.send(Readable.from(exportLines(db, settlement), { objectMode: false }));
    },
  );
}
