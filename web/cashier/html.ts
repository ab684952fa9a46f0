/** HTML that is safe by construction: the only way to a page is this tag, and it escapes whatever it interpolates. */

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Markup made by `html`. Text becomes markup only by passing through that tag, which escapes it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What a template may hold: text (escaped), markup (as it is), lists of both, and nothing (`undefined`, `false`). */
export type Fragment = Html | string | number | false | undefined | readonly Fragment[];

/** A page fragment. Attributes are always written in double quotes; URLs are checked where they enter the view. */
export function html(literals: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  let markup = literals[0]!;
  for (let i = 0; i < values.length; i++) markup += render(values[i]) + literals[i + 1]!;
  return new Html(markup);
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(render).join("");
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}
