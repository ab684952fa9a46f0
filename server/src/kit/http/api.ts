import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";

/** The server on which modules register their routes; schemas are TypeBox, and OpenAPI is generated from them. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Who calls: one app of one merchant, in one of its two books. Every tenant query is bounded by it. */
export interface Caller {
  readonly merchant_id: string;
  readonly app_id: string;
  readonly livemode: boolean;
  /** The API key, for logs, limits and the audit trail. */
  readonly key_id: string;
  /** Currencies in which the book takes no new payment: the codes of the errors that say why. Absent: none. */
  readonly credit_stops?: ReadonlyMap<string, string>;
}

/** Who acts: an operator who is signed in. */
export interface Operator {
  /** UUID. */
  readonly user_id: string;
  readonly email: string;
  readonly name: string;
}

/** Who acts: a person of an agent who is signed in. */
export interface AgentPerson extends Operator {
  /** UUID. They see this agent and what stands below it. */
  readonly agent_id: string;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set by authentication on every route under /v1. */
    caller: Caller;
    /** Set by authentication on every route under /operator/v1. */
    operator: Operator;
    /** Set by authentication on every route under /agent/v1. */
    agent: AgentPerson;
  }
}
