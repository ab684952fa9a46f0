/** The wire shapes of routing. */
import { Type } from "typebox";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

const Candidate = Type.Object({
  account: Type.String(),
  refusal: Nullable(
    Type.String({
      description:
        "Why it cannot take the payment: tried, disabled, method, currency, service_fee, amount_min, amount_max, hours, day_limit or health. Null for one that can.",
    }),
  ),
  weight: Type.Optional(Type.Integer()),
  cost: Type.Optional(Nullable(Type.Integer({ description: "What the channel takes, in minor units." }))),
  succeeded: Type.Optional(Type.Integer({ description: "Attempts within the rule's window." })),
  failed: Type.Optional(Type.Integer()),
});

export const RoutingDecisionObject = Type.Object(
  {
    account: Nullable(Type.String({ description: "The channel account that was chosen; null when none could be." })),
    strategy: Type.String({
      description: "account, weighted, cheapest, best_success_rate or sticky by a rule; order where no rule decided.",
    }),
    rule: Nullable(Type.String()),
    explored: Type.Optional(Type.Literal(true)),
    candidates: Type.Array(Candidate),
    instead_of: Type.Optional(Type.String({ description: "The attempt whose account refused before." })),
  },
  { description: "How the channel account was chosen." },
);

export const SimulationObject = Type.Object({
  object: Type.Literal("routing_simulation"),
  payment: Nullable(Type.String()),
  attempt: Nullable(Type.String()),
  method: Type.String(),
  amount: Type.Integer(),
  currency: Type.String(),
  at: Type.String({ description: "The moment whose hour counts, RFC 3339." }),
  took: Nullable(Type.String({ description: "The account that a past payment took at first." })),
  would_take: Nullable(Type.String()),
  changed: Nullable(Type.Boolean()),
  decision: RoutingDecisionObject,
});

export const AccountHealthObject = Type.Object({
  object: Type.Literal("routing_health"),
  channel_account: Type.String(),
  channel: Type.String(),
  enabled: Type.Boolean(),
  operations: Type.Array(
    Type.Object({
      operation: Type.String(),
      state: Type.String({ description: "The breaker: closed, open, or half_open when a probe may go through." }),
      opened_at: Nullable(Type.String()),
      retry_at: Nullable(Type.String()),
      calls: Type.Optional(
        Type.Integer({ description: "Of the last minute; only for an account of the merchant's own." }),
      ),
      troubles: Type.Optional(Type.Integer()),
      active: Type.Optional(Type.Integer({ description: "Calls under way." })),
      waiting: Type.Optional(Type.Integer({ description: "Calls that wait for a place." })),
    }),
  ),
});
