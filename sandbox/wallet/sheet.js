/** Tells the page around the wallet's frame that the wallet is there, and how the payment ended. */
(() => {
  if (window.parent === window) return;
  const result = document.body.dataset.result;
  window.parent.postMessage(result ? `wallet:${result}` : "wallet:ready", "*");
})();
