/** The module's workers: orders, returns and releases that must go on, and receivers that accounts are to forget. */
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { removeBinding } from "./bind-receivers.ts";
import { driveOrder } from "./drive-order.ts";
import { driveReturn } from "./drive-return.ts";
import { CALL_LEASE_MS } from "./new-order.ts";
import { claimDueOrders } from "./order-store.ts";
import { claimDueBindings } from "./receiver-store.ts";
import { driveRelease } from "./release.ts";
import { claimDueReleases, claimDueReturns } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS } from "./sharing.ts";

const LEASE_MS = 2 * CALL_LEASE_MS;
/** Sharing is nobody's wait at a counter. */
const INTERVAL_MS = 1_000;
const CONCURRENCY = 8;

/** One of each kind for each channel that shares, with places of its own, and one for what stays within the books. */
export function createSharingWorkers(services: SharingServices, channel_ids: readonly string[]): DueLoop[] {
  const channels = channel_ids.filter((id) => services.getChannel(id)?.sharing);
  return [
    ...[...channels, BOOKS].flatMap((lane) => [
      createLoop(services, `sharing.orders.${lane}`, lane, claimDueOrders, driveOrder),
      createLoop(services, `sharing.returns.${lane}`, lane, claimDueReturns, driveReturn),
    ]),
    ...channels.flatMap((channel) => [
      createLoop(services, `sharing.releases.${channel}`, channel, claimDueReleases, driveRelease),
      createLoop(services, `sharing.receivers.${channel}`, channel, claimDueBindings, removeBinding),
    ]),
  ];
}

function createLoop<Item = TenantKey>(
  services: SharingServices,
  name: string,
  lane: string,
  claim: (sql: SharingServices["db"], lane: string, now: number, lease: number, limit: number) => Promise<Item[]>,
  handle: (services: SharingServices, item: Item) => Promise<void>,
): DueLoop {
  return createDueLoop({
    name,
    claim: (limit) => {
      const now = services.clock.now();
      return claim(services.db, lane, now, now + LEASE_MS, limit);
    },
    handle: (item) => handle(services, item),
    concurrency: CONCURRENCY,
    interval_ms: INTERVAL_MS,
    log: services.log,
  });
}
