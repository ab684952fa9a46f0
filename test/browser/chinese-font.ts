import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";

const origin = "https://font.invalid";

/** Names by which pages ask for the Chinese font of a phone or a PC. */
const familyNames = ["PingFang SC", "Microsoft YaHei", "Noto Sans SC"];

/**
 * Lends a page a Chinese font under the names it asks for, so that pictures show text and not boxes on a machine
 * without one. For pictures only: the page's context must be made with `bypassCSP: true`, because a strict page
 * rightly refuses a foreign style. Call it after the page has loaded.
 */
export async function lendChineseFont(page: Page): Promise<void> {
  const folder = dirname(createRequire(import.meta.url).resolve("@fontsource-variable/noto-sans-sc/package.json"));
  await page.route(`${origin}/**`, (route) =>
    route.fulfill({
      path: join(folder, new URL(route.request().url()).pathname),
      contentType: "font/woff2",
      headers: { "access-control-allow-origin": "*" },
    }),
  );
  const faces = readFileSync(join(folder, "index.css"), "utf8").replaceAll("url(.", `url(${origin}`);
  const styles = familyNames.map((name) => faces.replaceAll("Noto Sans SC Variable", name));
  await page.addStyleTag({ content: styles.join("\n") });
  // Faces load when text needs them, which is after the next layout.
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(resolve)).then(() => document.fonts.ready)");
}
