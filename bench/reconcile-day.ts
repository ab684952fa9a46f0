/**
 * One day of a channel account, from the bill's file to typed differences, in a process of its own so that its memory can be
 * told: kept, read back, parsed, loaded, matched. Prints seconds and the most memory that it held, as JSON.
 */
import { createReadStream } from "node:fs";
import { readBill, unpackBill } from "../server/src/channels/bill-reader.ts";
import { getChannel } from "../server/src/channels/registry.ts";
import { systemClock } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { createObjectStorage } from "../server/src/kit/object-storage/object-storage.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { openDatabase } from "../server/src/kit/sql/database.ts";
import { loadBill, matchDay, rulesOf } from "../server/src/modules/reconciliation/index.ts";

const [url = "", channel_account_id = "", day = "", path = "", folder = ""] = process.argv.slice(2);
const db = openDatabase({ url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
const tools = { clock: systemClock, random: systemRandom };
const services = { db, clock: systemClock, ids: createIdSource(systemClock, systemRandom), getChannel };
const key = { channel_account_id, day };
const rules = await rulesOf(services, channel_account_id);
// A worker has done this before: what follows is a day among others.
await db.bulk((tx) => tx.query({ name: "bench.warm", text: "select 1" }));

const storage = createObjectStorage({ kind: "local", folder }, tools);
const from = performance.now();
const stored = await storage.put("bills", createReadStream(path, { highWaterMark: 262_144 }));
const kept = performance.now();
const format = getChannel("wechat")!.bills!.formats!.trade!;
const { batches } = readBill(
  format,
  { date: day },
  unpackBill("bill.csv", await storage.get(stored.key, stored.sha256)),
);
const { bill } = await loadBill(services, {
  ...{ ...key, kind: "trade", source: "uploaded", uploaded_by: null, files: [{ name: "bill.csv", ...stored }] },
  ...{ sha256: Buffer.from(stored.sha256, "hex"), batches },
});
const loaded = performance.now();
const matched = await matchDay(services, key, rules);
const end = performance.now();
const seconds = (a: number, b: number) => (b - a) / 1_000;
process.stdout.write(
  JSON.stringify({
    ...{ keep_s: seconds(from, kept), load_s: seconds(kept, loaded), match_s: seconds(loaded, end) },
    ...{ total_s: seconds(from, end), lines: Number(bill.lines), agreed: matched?.totals?.matched },
    peak_mb: process.resourceUsage().maxRSS / 1_024,
  }),
);
await storage.end();
await db.close();
