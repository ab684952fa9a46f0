import { type Static, Type } from "typebox";
import { parsePublicId } from "../../../kit/id.ts";
import { agentErrors } from "../errors.ts";
import type { PriceInput } from "../set-price.ts";

/** The answer's schema of an agent. */
export const AgentObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("agent"),
  name: Type.String(),
  parent: Type.Union([Type.String(), Type.Null()], {
    description: "The agent above; null at the top of what you see.",
  }),
  path: Type.Array(Type.String(), { description: "From the top of what you see down to itself." }),
  level: Type.Integer({ description: "1 at the top of what you see." }),
  created_at: Type.String({ format: "date-time" }),
});

const RateObject = Type.Object({
  rate_ppm: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Parts per million of the amount." }),
  fixed_amount: Type.Integer({ description: "Added to each payment, in minor units." }),
});

/** The answer's schema of a price. */
export const PriceObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("agent_price"),
  agent: Type.String(),
  method: Type.Union([Type.String(), Type.Null()], { description: "A method, all of a channel (wechat.*), or all." }),
  currency: Type.String(),
  price: RateObject,
  default: RateObject,
  minimum: RateObject,
  maximum: RateObject,
  effective_from: Type.String({ format: "date-time" }),
  created_at: Type.String({ format: "date-time" }),
});

const RateInput = Type.Object({
  rate_ppm: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Parts per million of the amount." }),
  fixed_amount: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      description: "Added to each payment; nothing unless given.",
    }),
  ),
});

/** The body of a request that sets a price. */
export const PriceBody = Type.Object({
  method: Type.Optional(
    Type.String({ maxLength: 64, description: "A method, or all of a channel as wechat.*; all methods unless given." }),
  ),
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", default: "CNY" })),
  price: RateInput,
  default: Type.Optional(RateInput),
  minimum: Type.Optional(RateInput),
  maximum: Type.Optional(RateInput),
  effective_from: Type.Optional(Type.String({ format: "date-time", description: "Now unless given; never earlier." })),
});

const readRate = ({ rate_ppm, fixed_amount = 0 }: Static<typeof RateInput>) => ({
  rate_ppm: BigInt(rate_ppm),
  fixed_amount: BigInt(fixed_amount),
});

/** What a request says of a price. */
export function readPriceBody(body: Static<typeof PriceBody>, agent_id: string, created_by: string): PriceInput {
  const { method = null, currency = "CNY", price, minimum, maximum, effective_from } = body;
  return {
    ...{ agent_id, method, currency, created_by, price: readRate(price) },
    ...(body.default && { default: readRate(body.default) }),
    ...(minimum && { minimum: readRate(minimum) }),
    ...(maximum && { maximum: readRate(maximum) }),
    ...(effective_from !== undefined && { effective_from: Date.parse(effective_from) }),
  };
}

/** The UUID of an agent's public id. @throws agent.not_found */
export function readAgentId(text: string, param?: string): string {
  const id = parsePublicId("agent", text);
  if (id === undefined) throw agentErrors["agent.not_found"](param === undefined ? {} : { param });
  return id;
}

/** The parameter of a route of one agent. */
export const AgentParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** The body of a request that makes an agent. */
export const AgentBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  parent: Type.Optional(Type.String({ maxLength: 64, description: "The agent above it." })),
  time_zone: Type.Optional(
    Type.String({ maxLength: 64, description: "IANA name, by which its months end; Asia/Shanghai unless given." }),
  ),
});
