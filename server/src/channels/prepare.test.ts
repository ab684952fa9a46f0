/** Guarantee: what a channel loads beforehand is what its first payment needs, so that no payer waits for it. */
import { expect, it } from "vitest";
import { channels } from "./registry.ts";

it.each(Object.entries(channels))("%s can be prepared again and again, without an account", async (_, channel) => {
  await channel.prepare?.();
  await expect(Promise.resolve(channel.prepare?.())).resolves.toBeUndefined();
});

it("belongs to the channels that have an SDK", () => {
  const prepared = Object.entries(channels).filter(([, channel]) => channel.prepare);
  expect(prepared.map(([id]) => id).sort()).toEqual(["paypal", "stripe"]);
});
