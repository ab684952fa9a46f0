/** The end of a simulated world: everything resolves, and then both sides must tell the same story. */
import { Client } from "pg";
import { encodeUuid, publicId } from "../../server/src/kit/id.ts";
import type { Json } from "../platform/sandbox-control.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** Expiry takes an hour at most, and what is open then is asked about hourly. */
const HOURS = 5;

/** Ends all hostility and moves the clock until nothing is due any more. */
export async function resolveEverything(world: World): Promise<void> {
  const { sandbox, receiver } = world.platform;
  await sandbox.clearFaults();
  receiver.answer.status = 204;
  for (let hour = 0; hour < HOURS; hour++) {
    for (const refund of await rows(world, "select * from refunds where status in ('created', 'sent', 'unknown')")) {
      // What waits at the channel for a person gets one.
      await sandbox.endRefund(refund.refund_no, "success").catch(() => undefined);
    }
    await world.platform.advance(60_000);
    await world.platform.advance(HOUR_MS);
  }
}

async function rows(world: World, sql: string): Promise<Json[]> {
  const client = new Client({ connectionString: world.platform.database_url });
  await client.connect();
  const result = await client.query(sql);
  await client.end();
  return result.rows;
}

/** Sentences about what is not as it must be at the end. */
export async function findDisagreements(world: World): Promise<string[]> {
  return [
    ...world.bad,
    ...(await world.platform.findFaults()),
    ...(await findOpen(world)),
    ...(await compareTrades(world)),
    ...(await findUntold(world)),
  ];
}

async function findOpen(world: World): Promise<string[]> {
  const open = await rows(
    world,
    `select 'payment' as kind, id, status, null as reason from payments where status in ('created', 'processing')
     union all select 'attempt', id, status, unknown_reason from attempts where status in ('created', 'sent', 'unknown')
     union all select 'refund', id, status, unknown_reason from refunds where status in ('created', 'sent', 'unknown')`,
  );
  return open.map(({ kind, id, status, reason }) => `${kind} ${id} is still ${status} (${reason})`);
}

/** Attempts and refunds against what the sandbox knows of their trades. */
async function compareTrades(world: World): Promise<string[]> {
  const wrong: string[] = [];
  const refunds = Map.groupBy(await rows(world, "select * from refunds"), ({ attempt_id }) => attempt_id);
  for (const attempt of await rows(world, "select * from attempts")) {
    const trade = await world.platform.sandbox.trade(attempt.serial_no).catch(() => undefined);
    const paid = trade?.paid_at !== undefined;
    if (paid !== (attempt.status === "succeeded")) {
      wrong.push(`attempt ${attempt.serial_no} is ${attempt.status}, its trade is ${trade?.state ?? "not there"}`);
    }
    const ours = (refunds.get(attempt.id) ?? []).filter(({ status }) => status === "succeeded");
    const theirs = (trade?.refunds ?? []).filter(({ status }: Json) => /^(SUCCESS|done)$/.test(status));
    const show = (list: [string, number][]) => JSON.stringify(list.sort(([a], [b]) => (a < b ? -1 : 1)));
    const [here, there] = [
      show(ours.map(({ refund_no, amount }) => [refund_no, Number(amount)])),
      show(theirs.map(({ refund, amount }: Json) => [refund, amount])),
    ];
    if (here !== there) wrong.push(`refunds of ${attempt.serial_no}: ${here} here, ${there} at the channel`);
  }
  return wrong;
}

/** Every event of a payment or refund reached the receiver, each under one webhook-id, and signed; the others have no address. */
async function findUntold(world: World): Promise<string[]> {
  const { received } = world.platform.receiver;
  const told = new Map(received.map((webhook) => [webhook.webhook_id, webhook]));
  const events = await rows(world, "select id, type, object_id, data from events");
  const ofPayments = events.filter(({ type }) => /^(payment|refund)\./.test(type));
  const untold = ofPayments.filter(({ id }) => !told.has(publicId("event", id)));
  const known = new Set(events.map(({ id }) => publicId("event", id)));
  return [
    ...untold.map(({ type, object_id }) => `${type} of ${encodeUuid(object_id)} was not told`),
    ...received.filter(({ verified }) => !verified).map(({ type }) => `a ${type} came unsigned`),
    ...received.filter(({ webhook_id }) => !known.has(webhook_id)).map(({ webhook_id }) => `${webhook_id} is no event`),
  ];
}
