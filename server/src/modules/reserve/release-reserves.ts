/** Releasing: each part by itself, when its time has come, when the agreed sum was lowered, or when a person decides. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { workInHalves } from "../../kit/worker/in-halves.ts";
import { accountOf, lockBalances, post, reserveReleasedPosting } from "../../ledger/index.ts";
import { loadActiveApps } from "../merchant/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { presentReserve } from "./present.ts";
import { heldOf, least, type ReleaseReason, type Reserve, type ReserveRelease } from "./reserve.ts";
import type { ReserveServices } from "./services.ts";
import {
  insertReleases,
  loadNextChanges,
  loadReserves,
  loadSettingsAt,
  lockReserves,
  type ReserveId,
  saveReleases,
  sumFixedHeld,
} from "./store.ts";

type Releasing = Pick<ReserveServices, "ids" | "clock">;

/** Releases what is due of parts that were claimed. */
export async function releaseDueReserves(services: ReserveServices, keys: readonly ReserveId[]): Promise<void> {
  await workInHalves(keys, (some) => services.db.transaction((tx) => releaseGroup(services, tx, some)));
  services.kick.webhooks();
}

/** What is to be released of a part, and when somebody looks at it again. */
interface Release {
  readonly reserve: Reserve;
  readonly amount: bigint;
  readonly reason: ReleaseReason;
  readonly due_at: number | null;
}

async function releaseGroup(services: Releasing, tx: Transaction, keys: readonly ReserveId[]): Promise<void> {
  const reserves = await takeReserves(tx, keys);
  const now = services.clock.now();
  const fixed = reserves.filter(({ kind }) => kind === "fixed");
  const excess = await findExcess(tx, fixed, now);
  const changes = await loadNextChanges(tx, fixed, now);
  const releases = reserves.map((reserve): Release => {
    const held = heldOf(reserve);
    if (reserve.release_at !== null) {
      const isDue = reserve.release_at <= now;
      return { reserve, amount: isDue ? held : 0n, reason: "due", due_at: isDue ? null : reserve.release_at };
    }
    const name = nameOf(reserve);
    const above = excess.get(name)!;
    const amount = least(above, held);
    excess.set(name, above - amount);
    return { reserve, amount, reason: "lowered", due_at: changes[fixed.indexOf(reserve)]! };
  });
  await writeReleases(services, tx, releases);
}

/** The parts under the locks of their books, the oldest of each book first. */
export async function takeReserves(tx: Transaction, keys: readonly ReserveId[]): Promise<Reserve[]> {
  const found = await loadReserves(tx, keys);
  await lockBalances(
    tx,
    found.map((reserve) => ({ ...reserve, account: accountOf("merchant_reserve", reserve.currency) })),
  );
  return lockReserves(tx, keys);
}

const nameOf = ({ merchant_id, livemode, currency }: Reserve) => `${merchant_id} ${livemode} ${currency}`;

/** How much more is held of agreed sums than they are now. */
async function findExcess(tx: Transaction, fixed: readonly Reserve[], now: number): Promise<Map<string, bigint>> {
  const keys = [...new Map(fixed.map((reserve) => [nameOf(reserve), reserve])).values()];
  const held = await sumFixedHeld(tx, keys);
  const settings = await loadSettingsAt(
    tx,
    keys.map((key) => ({ ...key, at: now })),
  );
  return new Map(
    keys.map((key, index) => {
      const above = held[index]! - (settings[index]?.fixed_amount ?? 0n);
      return [nameOf(key), above > 0n ? above : 0n];
    }),
  );
}

/** Releases a part of a part that is locked, because a person decided so. */
export async function releaseApart(
  services: Releasing,
  tx: Transaction,
  reserve: Reserve,
  amount: bigint,
): Promise<void> {
  const [change] = await loadNextChanges(tx, [reserve], services.clock.now());
  const isOver = amount === heldOf(reserve);
  await writeReleases(services, tx, [
    { reserve, amount, reason: "early", due_at: isOver ? null : (reserve.release_at ?? change!) },
  ]);
}

/** Posts releases, writes them and tells the merchants' apps; parts of which nothing is released are only looked at later. */
async function writeReleases({ ids, clock }: Releasing, tx: Transaction, releases: readonly Release[]): Promise<void> {
  const now = clock.now();
  const made = releases.filter(({ amount }) => amount > 0n);
  const rows = made.map(({ reserve, amount, reason }): ReserveRelease => {
    const { merchant_id, livemode, currency, id: reserve_id } = reserve;
    return { merchant_id, livemode, currency, id: ids.uuid(), reserve_id, amount, reason, created_at: now };
  });
  if (rows.length > 0) {
    const posted = await post(tx, rows.map(bookRelease), now);
    invariant(
      posted.every(({ kind }) => kind === "posted"),
      "the release of a reserve is posted once",
    );
    await insertReleases(tx, rows);
  }
  await saveReleases(tx, releases);
  await tellApps(
    { ids, clock },
    tx,
    made.map(({ reserve, amount }) => ({ ...reserve, released_amount: reserve.released_amount + amount })),
  );
}

function bookRelease({ merchant_id, livemode, currency, id: release_id, ...release }: ReserveRelease) {
  const amount = { amount: release.amount, currency };
  return reserveReleasedPosting({ merchant_id, livemode, release_id, amount, occurred_at: release.created_at });
}

async function tellApps({ ids, clock }: Releasing, tx: Transaction, reserves: readonly Reserve[]): Promise<void> {
  if (reserves.length === 0) return;
  const merchants = [...new Set(reserves.map(({ merchant_id }) => merchant_id))];
  const apps = Map.groupBy(await loadActiveApps(tx, merchants), ({ merchant_id }) => merchant_id);
  const created_at = clock.now();
  const events = reserves.flatMap((reserve) => {
    const { merchant_id, livemode, id: object_id } = reserve;
    return (apps.get(merchant_id) ?? []).map((app) => ({
      ...{ id: ids.uuid(), merchant_id, app_id: app.id, livemode, type: "reserve.released" as const },
      ...{ object_id, data: presentReserve(reserve), created_at },
    }));
  });
  await recordEvents(tx, events);
}
