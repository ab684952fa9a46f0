/**
 * A stand-in for the WeixinJSBridge of WeChat's browser, for pages in test mode; served at /wechat/jsbridge.js.
 * getBrandWCPayRequest opens the simulated wallet over the page and calls back with the err_msg that WeChat gives:
 * get_brand_wcpay_request:ok, :cancel or :fail; so does requestMerchantTransfer, where a person confirms a transfer. Where the page's policy forbids the frame, it goes to the wallet and
 * comes back with #wxpay=<prepay_id>:<result>; the next invoke of that order then calls back with that result.
 */
(() => {
  const origin = new URL(document.currentScript.src).origin;
  /** What a page may ask for: how the answer begins, and where the wallet shows it. */
  const requests = {
    getBrandWCPayRequest: { prefix: "get_brand_wcpay_request:", path: "/wechat/jsapi/sheet" },
    requestMerchantTransfer: { prefix: "requestMerchantTransfer:", path: "/wallet/transfer" },
  };
  const frame_wait_ms = 2000;

  /** The result that a return from the wallet has left for this order, if any; it is used up. */
  function takeResult(order) {
    const match = /#wxpay=([^:]+):(ok|cancel|fail)$/.exec(location.hash);
    if (!match || `prepay_id=${match[1]}` !== order) return undefined;
    history.replaceState(null, "", location.pathname + location.search);
    return match[2];
  }

  function sheetUrl(path, params, back) {
    const url = new URL(path, origin);
    for (const [key, value] of Object.entries(params)) url.searchParams.set(key, value);
    if (back) url.searchParams.set("back", back);
    return url.href;
  }

  function openSheet({ prefix, path }, params, callback) {
    const frame = document.createElement("iframe");
    let ready = false;
    const finish = (result) => {
      removeEventListener("message", listen);
      frame.remove();
      if (result) callback({ err_msg: prefix + result });
    };
    const listen = (event) => {
      if (event.origin !== origin || event.source !== frame.contentWindow) return;
      if (event.data === "wallet:ready") ready = true;
      else if (/^wallet:(ok|cancel|fail)$/.test(event.data)) finish(event.data.slice("wallet:".length));
    };
    addEventListener("message", listen);
    frame.title = "模拟微信支付 Simulated WeChat Pay";
    frame.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0;z-index:2147483647;background:#0008";
    frame.src = sheetUrl(path, params);
    document.body.append(frame);
    const leave = () => {
      if (ready || !frame.isConnected) return;
      finish();
      location.assign(sheetUrl(path, params, location.href.split("#")[0]));
    };
    document.addEventListener("securitypolicyviolation", leave, { once: true });
    setTimeout(leave, frame_wait_ms);
  }

  function invoke(name, params, callback) {
    const call = callback || (() => {});
    const request = Object.hasOwn(requests, name) ? requests[name] : undefined;
    if (!request) return call({ err_msg: `system:function_not_exist ${name}` });
    const result = takeResult(params.package);
    if (result) return call({ err_msg: request.prefix + result });
    openSheet(request, params, call);
  }

  window.WeixinJSBridge = { invoke, on() {}, call() {} };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
