/** A cashier over payments in memory, with pages that stand for the wallets' own, on free ports of this machine. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createManualClock, type ManualClock } from "../../server/src/kit/clock.ts";
import { createHttpServer } from "../../server/src/kit/http/server.ts";
import { createLogger } from "../../server/src/kit/log.ts";
import { systemRandom } from "../../server/src/kit/random.ts";
import { findFreePort } from "../../server/src/main/free-port.ts";
import { registerCashierRoutes } from "../../server/src/modules/cashier/index.ts";
import { createInMemoryCashierService, type InMemoryCashierService } from "./cashier-service-in-memory.ts";

export interface Stage {
  readonly base_url: string;
  readonly wallet_url: string;
  readonly service: InMemoryCashierService;
  readonly clock: ManualClock;
  close(): Promise<void>;
}

/** The bridge waits for the test to end its call: `finishBridge("ok")`. */
const bridgeScript = `
window.bridgeCalls = [];
window.WeixinJSBridge = { invoke(name, parameters, callback) {
  window.bridgeCalls.push({ name, parameters });
  window.finishBridge = (result) => callback({ err_msg: "get_brand_wcpay_request:" + result });
} };`;

export async function openStage(): Promise<Stage> {
  const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
  let service: InMemoryCashierService;
  const wallet = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://wallet.test");
    const give = (name: string) => url.searchParams.get(name) ?? "";
    const redirect = (to: string) => response.writeHead(302, { location: to }).end();
    if (url.pathname === "/oauth") return redirect(`${give("redirect_url")}?code=good-code&state=${give("state")}`);
    if (url.pathname === "/jsbridge.js") {
      return response.writeHead(200, { "content-type": "text/javascript" }).end(bridgeScript);
    }
    if (url.pathname === "/paid") {
      service.succeed(give("token"));
      return redirect(give("return_url"));
    }
    const page = `<title>Wallet</title><h1>${give("method")}</h1><a id="pay" href="/paid${url.search.replaceAll("&", "&amp;")}">Pay</a>
<a id="leave" href="${give("return_url")}">Leave</a>`;
    return response.writeHead(200, { "content-type": "text/html" }).end(page);
  });
  await new Promise<void>((resolve) => wallet.listen(0, "127.0.0.1", resolve));
  const wallet_url = `http://127.0.0.1:${(wallet.address() as AddressInfo).port}`;
  service = createInMemoryCashierService(clock, wallet_url);
  const log = createLogger("silent");
  // The public address is known once the port is: a server that is only asked for a free one comes first.
  const port = await findFreePort();
  const base_url = `http://127.0.0.1:${port}`;
  const server = await createHttpServer({ log, clock, random: systemRandom, base_url });
  registerCashierRoutes(server, {
    service,
    public_url: base_url,
    clock,
    log,
    jsbridge_url: `${wallet_url}/jsbridge.js`,
  });
  await server.listen({ port, host: "127.0.0.1" });
  return {
    base_url,
    wallet_url,
    service,
    clock,
    async close() {
      wallet.closeAllConnections();
      wallet.close();
      server.server.closeAllConnections();
      await server.close();
    },
  };
}
