import { encode } from "uqr";
import type { QrImage } from "../../../../web/cashier/view.ts";

/** Light modules around the code; the standard asks for four, and the page's white plate adds to these. */
const QUIET_MODULES = 2;

/** A QR code (error correction M) as one SVG path: a horizontal bar for each run of dark modules. */
export function drawQr(text: string): QrImage {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_MODULES });
  let path = "";
  for (const [y, row] of data.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      path += `M${start} ${y}h${x - start + 1}v1h-${x - start + 1}z`;
    }
  }
  return { size, path };
}
