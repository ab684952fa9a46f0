/**
 * Guarantee: calls share kept-alive connections, what a channel does not offer is refused as our own fault, and an
 * account that cannot sign makes an unknown outcome and sends nothing.
 */
import { expect, it } from "vitest";
import { createObservedCallers, makePayInput, makeUuid, startPeer } from "./conformance/harness.ts";
import type { Channel, ChannelAccount, Operation } from "./contract.ts";
import { channels } from "./registry.ts";

const account: ChannelAccount = { id: makeUuid(), version: 1, livemode: false, config: {}, secrets: {} };
const get = (url: string): Operation<object, { kind: "answered"; text: string }> => ({
  toRequest: async () => ({ method: "GET", url, headers: {} }),
  fromResponse: (_context, _input, { body }) => ({ kind: "answered", text: body.toString("utf8") }),
});

it("keeps connections alive from call to call", async () => {
  const sockets = new Set<unknown>();
  const peer = await startPeer((request, response) => {
    sockets.add(request.socket);
    response.end("ok");
  });
  const { caller } = createObservedCallers();
  for (let count = 0; count < 20; count += 1) {
    expect(await caller.run("test", account, get(`${peer.url}/a?b=1`), {})).toEqual({ kind: "answered", text: "ok" });
  }
  // The pool may open a second one while it tidies the first up after an answer.
  expect(sockets.size).toBeLessThanOrEqual(2);
  await caller.end();
  await peer.close();
});

it("throws for a method or an operation that the channel does not offer", async () => {
  const { caller } = createObservedCallers();
  const input = makePayInput("alipay.qr", "https://shop.example/n");
  await expect(caller.pay(channels.wechat!, account, input)).rejects.toThrow("wechat does not offer alipay.qr");
  const { cancel: _, identity: __, close: ___, ...bare } = channels.alipay!;
  const poor: Channel = bare;
  await expect(caller.cancel(poor, account, input)).rejects.toThrow("does not offer cancel");
  await expect(caller.close(poor, account, input)).rejects.toThrow("does not offer close");
  await expect(caller.identify(poor, account, "code")).rejects.toThrow("does not offer identity");
});

it.each(["alipay.qr", "alipay.page", "wechat.native"] as const)(
  "sends nothing for %s when the account cannot sign",
  async (method) => {
    const { caller, lines } = createObservedCallers();
    const channel = channels[method.split(".")[0]!]!;
    const outcome = await caller.pay(channel, account, makePayInput(method, "https://shop.example/n"));
    expect(outcome).toMatchObject({ kind: "unknown", reason: "not_sent" });
    expect(lines.join("")).toContain('"level":"warn"');
  },
);

it("does not know when an adapter trips over an answer", async () => {
  const peer = await startPeer((_request, response) => response.end("ok"));
  const { caller } = createObservedCallers();
  const clumsy: Operation<object, never> = {
    ...get(peer.url),
    fromResponse() {
      throw new Error("tripped");
    },
  };
  expect(await caller.run("test", account, clumsy, {})).toMatchObject({ kind: "unknown", reason: "unreadable" });
  await caller.end();
  await peer.close();
});
