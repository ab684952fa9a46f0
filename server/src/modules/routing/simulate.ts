/** Dry runs: which account a payment would take and why, without taking it. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Caller } from "../../kit/http/api.ts";
import { publicId } from "../../kit/id.ts";
import type { RoutingDecision } from "./decide.ts";
import type { RouteRequest, Router } from "./route.ts";
import type { PastAttempts } from "./services.ts";

/** A payment as it would be routed, beside how it was. */
export interface Simulation {
  /** Null for a payment that is only imagined. */
  readonly past: { readonly attempt: string; readonly payment: string; readonly account: string } | null;
  readonly request: Pick<RouteRequest, "method" | "amount" | "currency">;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly decision: RoutingDecision;
}

/** What a payment would take at this moment. */
export async function simulatePayment(router: Pick<Router, "route">, request: RouteRequest, at: number) {
  const { decision } = await router.route(request);
  return { past: null, request, at, decision } satisfies Simulation;
}

/**
 * What payments of a period would have taken by today's rules, the oldest first. Chance falls as it fell; the hour is
 * theirs; success rates are today's; health and limits of the day are left out.
 */
export async function simulatePast(
  { router, past }: { router: Pick<Router, "routePast">; past: Pick<PastAttempts, "list"> },
  caller: Pick<Caller, "merchant_id" | "app_id" | "livemode">,
  period: Parameters<PastAttempts["list"]>[1],
): Promise<Simulation[]> {
  const { merchant_id, app_id, livemode } = caller;
  const attempts = await past.list({ merchant_id, app_id, livemode }, period);
  return Promise.all(
    attempts.map(async (attempt) => {
      const { payment_id, method, amount, currency, store, metadata, payer, created_at: at } = attempt;
      const request = { merchant_id, app_id, livemode, payment_id, method, amount, currency, store, metadata, payer };
      const { decision } = await router.routePast({ ...request, tried: [] }, at);
      const taken = {
        attempt: publicId("attempt", attempt.id),
        payment: publicId("payment", payment_id),
        account: publicId("channel_account", attempt.channel_account_id),
      };
      return { past: taken, request, at, decision };
    }),
  );
}

/** As the API and the command line show it. */
export function presentSimulation({ past, request, at, decision }: Simulation) {
  return {
    object: "routing_simulation" as const,
    payment: past?.payment ?? null,
    attempt: past?.attempt ?? null,
    method: request.method,
    amount: Number(request.amount),
    currency: request.currency,
    at: toRfc3339(at),
    took: past?.account ?? null,
    would_take: decision.account,
    changed: past ? past.account !== decision.account : null,
    decision,
  };
}
