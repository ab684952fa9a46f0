import type { LaneHealth } from "../../../../channels/call.ts";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import type { RoutingRouteServices } from "../index.ts";
import { AccountHealthObject } from "../schemas.ts";

const countsOf = ({ calls, troubles, active, waiting }: LaneHealth) => ({ calls, troubles, active, waiting });
const instant = (at: number | null) => (at === null ? null : toRfc3339(at));

/** `GET /v1/routing/health`: how the merchant's channel accounts fare, as the process that answers sees them. */
export function registerReadHealth(api: ApiServer, { accounts, channels }: RoutingRouteServices): void {
  api.get(
    "/v1/routing/health",
    {
      schema: {
        operationId: "readRoutingHealth",
        tags: ["Routing"],
        summary: "How the channel accounts fare",
        description:
          "For each account and operation that was called lately: its breaker, and, of the merchant's own accounts, the calls of the last minute, under way and waiting. Each API process answers for itself.",
        response: { 200: ListOf(AccountHealthObject) },
      },
    },
    async (request) => {
      const { merchant_id, livemode } = request.caller;
      const bound = await accounts.listBound({ merchant_id, livemode });
      const data = bound.map((account) => ({
        object: "routing_health" as const,
        channel_account: publicId("channel_account", account.id),
        channel: account.channel,
        enabled: account.status === "enabled",
        operations: channels.health(account.id).map((lane) => ({
          operation: lane.operation,
          state: lane.state,
          opened_at: instant(lane.opened_at),
          retry_at: instant(lane.retry_at),
          // What others send through an account of the platform is their affair.
          ...(account.funding_mode === "direct" && countsOf(lane)),
        })),
      }));
      return toList(data, false, "/v1/routing/health");
    },
  );
}
