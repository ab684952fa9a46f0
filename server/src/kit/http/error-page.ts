/** Pages of the error codes. Each is a Markdown file: facts that the catalogue states, then hand-written advice. */
import type { CatalogueEntry } from "../error.ts";
import { renderPage } from "./html-page.ts";
import { escapeHtml } from "./security-headers.ts";

/** The generated beginning of a code's page: title and facts. The page goes on after it with what people wrote. */
export function renderErrorFacts(entry: CatalogueEntry): string {
  return `# ${entry.code}

> ${showMessage(entry)}

| fact | value |
|---|---|
| HTTP status | ${entry.status} |
| type | \`${entry.type}\` |
| retryable | ${entry.retryable ? "yes: the same request may succeed later" : "no: change the request first"} |
| outcome | ${outcomes[entry.outcome]} |
`;
}

/** The sentence with its placeholders as such: ⟨currency⟩. */
function showMessage(entry: CatalogueEntry): string {
  if (entry.message === "{problem}") return "A sentence made for the case: what is wrong and what to send instead.";
  return entry.message.replace(/\{(\w+)\}/g, "⟨$1⟩");
}

const outcomes = {
  none: "`none`: nothing happened",
  done: "`done`: it happened",
  unknown: "`unknown`: ask for the object's state before you try again",
} as const;

/** A code's page as HTML. */
export function renderErrorPage(code: string, markdown: string): string {
  return renderPage(code, `<main>${renderMarkdown(markdown)}</main>`);
}

/** All codes with their sentences. */
export function renderErrorIndex(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map(
    (entry) =>
      `<tr><th scope="row"><a href="/docs/errors/${entry.code}"><code>${entry.code}</code></a></th><td>${entry.status}</td><td>${escapeHtml(showMessage(entry))}</td></tr>`,
  );
  return renderPage(
    "Errors",
    `<main><h1>Errors <span lang="zh-CN">错误码</span></h1><div class="scroll" tabindex="0" role="group" aria-label="Errors"><table>
<thead><tr><th scope="col">Code <span lang="zh-CN">错误码</span></th><th scope="col">HTTP</th><th scope="col">Message <span lang="zh-CN">提示</span></th></tr></thead>
<tbody>${rows.join("")}</tbody></table></div></main>`,
  );
}

/** The little Markdown these pages use: headings, paragraphs, quotes, lists, tables, `code` and **bold**. */
export function renderMarkdown(markdown: string): string {
  return markdown
    .trim()
    .split(/\n{2,}/)
    .map(renderBlock)
    .join("\n");
}

function renderBlock(block: string): string {
  const heading = /^(#{1,3}) (.*)$/.exec(block);
  if (heading) return `<h${heading[1]!.length}>${markChinese(renderInline(heading[2]!))}</h${heading[1]!.length}>`;
  const lines = block.split("\n");
  if (block.startsWith("|")) return renderTable(lines);
  if (block.startsWith("> ")) {
    return `<blockquote>${renderInline(lines.map((line) => line.slice(2)).join(" "))}</blockquote>`;
  }
  if (block.startsWith("- ")) {
    return `<ul>${block
      .slice(2)
      .split("\n- ")
      .map((item) => `<li>${renderInline(item)}</li>`)
      .join("")}</ul>`;
  }
  const language = HAN.test(block) ? ' lang="zh-CN"' : "";
  return `<p${language}>${renderInline(lines.join(" "))}</p>`;
}

const HAN = /\p{Script=Han}/u;

/** Chinese in a heading is told to fonts and screen readers as such. */
function markChinese(html: string): string {
  return html.replace(/\p{Script=Han}+/gu, '<span lang="zh-CN">$&</span>');
}

function renderTable(lines: readonly string[]): string {
  const rows = lines.slice(2).map((line) => {
    const [first = "", ...rest] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => renderInline(cell.trim()));
    return `<tr><th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<table><tbody>${rows.join("")}</tbody></table>`;
}

/** `code` and **bold** in a text. */
export function renderInline(text: string): string {
  return escapeHtml(text)
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>");
}
