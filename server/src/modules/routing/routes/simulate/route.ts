import { type Static, Type } from "typebox";
import { type Method, methods } from "../../../../channels/contract.ts";
import type { ApiServer, Caller } from "../../../../kit/http/api.ts";
import { doorErrors } from "../../../../kit/http/errors.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { presentSimulation, type Simulation, simulatePast, simulatePayment } from "../../simulate.ts";
import type { RoutingRouteServices } from "../index.ts";
import { SimulationObject } from "../schemas.ts";

const PAST_MAX = 100;
const AMOUNT_MAX = 100_000_000_000;

const ImaginedPayment = Type.Object(
  {
    method: Type.Union(methods.map((method) => Type.Literal(method))),
    amount: Type.Integer({ minimum: 1, maximum: AMOUNT_MAX, description: "Minor units." }),
    currency: Type.String({ pattern: "^[A-Z]{3}$" }),
    store: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    metadata: Type.Optional(
      Type.Record(Type.String({ pattern: "^.{1,40}$" }), Type.String({ maxLength: 500 }), { maxProperties: 50 }),
    ),
    payer: Type.Optional(
      Type.Object({
        openid: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
        buyer_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
      }),
    ),
  },
  { description: "A payment to imagine, at this moment." },
);

const Body = Type.Object({
  payment: Type.Optional(ImaginedPayment),
  from: Type.Optional(Type.String({ format: "date-time", description: "Past payments from this instant on." })),
  to: Type.Optional(Type.String({ format: "date-time", description: "Before this instant; now unless given." })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAST_MAX, default: 20 })),
  starting_after: Type.Optional(Type.String({ maxLength: 64, description: "The `attempt` after which to go on." })),
});

/** `POST /v1/routing/simulate`: one imagined payment, or payments of a period, the oldest first. Changes nothing. */
export function registerSimulate(api: ApiServer, services: RoutingRouteServices): void {
  api.post(
    "/v1/routing/simulate",
    {
      schema: {
        operationId: "simulateRouting",
        tags: ["Routing"],
        summary: "Say which account payments would take",
        description:
          "Give either `payment`, or `from` (and `to`) for past payments by today's rules: chance falls as it fell, the hour is theirs, success rates are today's, and health and limits of the day are left out.",
        body: Body,
        response: { 200: ListOf(SimulationObject) },
      },
    },
    async (request) => {
      const found = await simulate(services, request.caller, request.body);
      const data = found.rows.map(presentSimulation);
      return toList(data, found.has_more, "/v1/routing/simulate");
    },
  );
}

/** @throws request.invalid, request.cursor_not_found */
async function simulate(
  services: RoutingRouteServices,
  caller: Caller,
  body: Static<typeof Body>,
): Promise<{ rows: readonly Simulation[]; has_more: boolean }> {
  const { payment, from, to, limit = 20, starting_after } = body;
  if ((payment === undefined) === (from === undefined)) {
    throw doorErrors["request.invalid"]({ values: { problem: "Give either payment, or from for past payments." } });
  }
  if (payment) {
    const { method, amount, currency, store = null, metadata = {}, payer = {} } = payment;
    const { merchant_id, app_id, livemode } = caller;
    const at = services.clock.now();
    const imagined = {
      ...{ merchant_id, app_id, livemode, payment_id: services.ids.uuid(), tried: [] },
      ...{ method: method as Method, amount: BigInt(amount), currency, store, metadata, payer },
    };
    return { rows: [await simulatePayment(services.router, imagined, at)], has_more: false };
  }
  const period = {
    from: Date.parse(from!),
    to: to === undefined ? services.clock.now() : Date.parse(to),
    after: readCursor(starting_after),
    limit: limit + 1,
  };
  const rows = await simulatePast(services, caller, period);
  return { rows: rows.slice(0, limit), has_more: rows.length > limit };
}

function readCursor(text: string | undefined): string | null {
  if (text === undefined) return null;
  const id = parsePublicId("attempt", text);
  const param = "starting_after";
  if (id === undefined) throw doorErrors["request.cursor_not_found"]({ param, values: { param } });
  return id;
}
