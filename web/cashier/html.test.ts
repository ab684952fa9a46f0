/** Guarantees: no text that enters a template leaves it as markup, wherever it stands. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { html } from "./html.ts";

it("escapes any text, in content and in attributes", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", " ", "=", "/") }), (text) => {
      const markup = html`<p title="${text}">${[text, html`<b>${text}</b>`]}</p>`.toString();
      const inside = /^<p title="([^"]*)">([^<]*)<b>([^<]*)<\/b><\/p>$/.exec(markup);
      expect(inside?.slice(1).map(unescapeHtml)).toEqual([text, text, text]);
    }),
  );
});

function unescapeHtml(text: string): string {
  const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_whole, name: string) => characters[name]!);
}

it("renders nothing for what is absent", () => {
  expect(html`a${undefined}${false}${[]}b${0}`.toString()).toBe("ab0");
});
