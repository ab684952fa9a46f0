/**
 * Guarantees: every error code has a page that states what the catalogue states and advises in both languages, no page
 * speaks of a code that is gone, and the published OpenAPI document lists exactly the codes that exist.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../kit/clock.ts";
import type { CatalogueEntry } from "../kit/error.ts";
import type { ApiServer } from "../kit/http/api.ts";
import { readErrorPages, registerReferencePages } from "../kit/http/reference.ts";
import { createHttpServer } from "../kit/http/server.ts";
import { createLogger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { loadWholeCatalogue, refreshErrorPage } from "./error-pages.ts";

let catalogue: CatalogueEntry[];
let server: ApiServer;

beforeAll(async () => {
  catalogue = await loadWholeCatalogue();
  const options = { log: createLogger("silent"), clock: systemClock, random: systemRandom };
  server = await createHttpServer({ ...options, base_url: "https://pay.example" });
  registerReferencePages(server);
});

afterAll(() => server.close());

test("codes and pages are the same, and each page states the facts (else run node server/src/main/error-pages.ts)", () => {
  const pages = readErrorPages();
  expect([...pages.keys()].toSorted()).toEqual(catalogue.map((entry) => entry.code).toSorted());
  for (const entry of catalogue) {
    const page = pages.get(entry.code);
    expect(page).toBe(refreshErrorPage(entry, page));
    expect(page).toMatch(
      /\n## Cause 原因\n\n.{10,}\n\n.*\p{Script=Han}.*\n\n## What to do 怎么办\n\n.{10,}\n\n.*\p{Script=Han}.*\n$/u,
    );
  }
});

test("codes, statuses and sentences are well formed", () => {
  for (const { code, status, message, type } of catalogue) {
    expect(code).toMatch(/^[a-z_]+\.[a-z_]+$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(message).toMatch(/^[\w{].*[.}]$/);
    expect(type.endsWith("_error")).toBe(true);
  }
});

test("the OpenAPI document lists exactly the codes that exist", async () => {
  const document = (await server.inject("/openapi.json")).json();
  expect(document.openapi).toBe("3.1.0");
  const published = document.components.schemas.Error.properties.error.properties.code.enum;
  expect(published).toEqual(catalogue.map((entry) => entry.code));
});

test("doc_url leads to the code's page", async () => {
  const refused = await server.inject("/nowhere");
  const { pathname } = new URL(refused.json().error.doc_url);
  const page = await server.inject(pathname);
  expect(page.statusCode).toBe(200);
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(page.body).toContain("<h1>request.route_not_found</h1>");
  expect(page.body).toContain("怎么办");
  expect((await server.inject("/docs/errors/nothing.of_the_kind")).statusCode).toBe(404);
  expect((await server.inject("/docs/errors/..%2f..%2fREADME")).statusCode).toBe(404);
});

test("every code is listed in the index", async () => {
  const index = (await server.inject("/docs/errors")).body;
  for (const { code } of catalogue) expect(index).toContain(`href="/docs/errors/${code}"`);
});
