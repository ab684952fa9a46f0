/** The API reference and the pages of the error codes: rendered on the server, without script, for people and browsers. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorCatalogue } from "../error.ts";
import type { ApiServer } from "./api.ts";
import { renderErrorIndex, renderErrorPage } from "./error-page.ts";
import { doorErrors } from "./errors.ts";
import { type OpenApiDocument, renderReference } from "./reference-page.ts";
import { sendHtml } from "./security-headers.ts";

const hidden = { schema: { hide: true } };
const styleSheet = new URL("reference.css", import.meta.url);

/** Where the pages of the error codes lie, one Markdown file per code. */
export const errorPagesDir = fileURLToPath(new URL("../../../../docs/errors/", import.meta.url));

/** `GET /docs`, `/docs/errors`, `/docs/errors/:code` (where `doc_url` points) and their style sheet. */
export function registerReferencePages(server: ApiServer): void {
  const style = readFileSync(styleSheet, "utf8");
  const pages = readErrorPages();
  let reference: string | undefined;
  server.get("/docs", hidden, (_request, reply) => {
    reference ??= renderReference(server.swagger() as unknown as OpenApiDocument);
    return sendHtml(reply, reference);
  });
  server.get("/docs/errors", hidden, (_request, reply) => sendHtml(reply, renderErrorIndex(errorCatalogue())));
  server.get<{ Params: { code: string } }>("/docs/errors/:code", hidden, (request, reply) => {
    const { code } = request.params;
    const page = pages.get(code);
    if (page === undefined) throw doorErrors["request.route_not_found"]();
    return sendHtml(reply, renderErrorPage(code, page));
  });
  server.get("/docs/reference.css", hidden, (_request, reply) =>
    reply.header("cache-control", "public, max-age=3600").type("text/css; charset=utf-8").send(style),
  );
}

/** The Markdown of each error page by its code. */
export function readErrorPages(dir = errorPagesDir): Map<string, string> {
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith(".md") && file !== "README.md") : [];
  return new Map(files.map((file) => [file.slice(0, -".md".length), readFileSync(`${dir}${file}`, "utf8")]));
}
