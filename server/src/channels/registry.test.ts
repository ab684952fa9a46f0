/** Guarantee: every method of the contract leads to the channel that offers it, and every offer is in the contract. */
import { expect, it } from "vitest";
import { methods } from "./contract.ts";
import { channelOfMethod, channels, getChannel } from "./registry.ts";

it.each(methods)("%s has its channel", (method) => {
  expect(channelOfMethod(method).pay[method]).toBeDefined();
});

it("offers nothing outside the contract", () => {
  const offered = Object.values(channels).flatMap((channel) => Object.keys(channel.pay));
  expect(offered.sort()).toEqual([...methods].sort());
});

it("finds no channel by an unknown or inherited name", () => {
  expect(getChannel("wechat")?.id).toBe("wechat");
  expect([getChannel("cash"), getChannel("constructor"), getChannel("__proto__")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
