/** The API reference as a page, from the OpenAPI document that the routes' schemas make. */
import { renderInline } from "./error-page.ts";
import { renderPage } from "./html-page.ts";
import { type FieldRow, type JsonSchema, listFields } from "./schema-rows.ts";
import { escapeHtml } from "./security-headers.ts";

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { content?: Readonly<Record<string, { schema?: JsonSchema }>> };
  readonly responses?: Readonly<Record<string, { content?: Readonly<Record<string, { schema?: JsonSchema }>> }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: JsonSchema;
  readonly description?: string;
}

export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly anchor: string;
  readonly operation: Operation;
}

/** Chinese for the groups; a group that is not here shows its English name alone. */
const groupNames: Readonly<Record<string, string>> = {
  Payments: "付款",
  Refunds: "退款",
  Balance: "余额",
  Channels: "渠道",
  Disputes: "争议",
  Routing: "路由",
  Settlements: "结算",
  Statements: "对账单",
  Events: "事件",
  Webhooks: "回调",
  "Operator: merchants": "运营：商户",
  "Operator: accounts": "运营：账户操作",
  "Operator: approvals": "运营：审批",
  "Operator: audit trail": "运营：操作日志",
  "Operator: users": "运营：用户",
  "Operator: fees": "运营：费率",
  "Operator: settlements": "运营：结算",
  "Operator: payouts": "运营：出款",
  "Operator: agents": "运营：代理商",
  "Operator: service fees": "运营：服务费",
  "Operator: refunds": "运营：退款",
  "Operator: bank transfers": "运营：银行转账",
};

/** The whole page as HTML: contents, conventions, then each operation in the order in which it was registered. */
export function renderReference(document: OpenApiDocument): string {
  const groups = Map.groupBy(listEntries(document), (entry) => entry.operation.tags?.[0] ?? "Other");
  const base_url = document.servers?.[0]?.url ?? "";
  const names = [...groups.keys()];
  return renderPage(
    document.info.title,
    `<div class="columns"><nav class="contents" aria-label="Contents">${names
      .map((name) => renderContents(name, groups.get(name)!))
      .join("")}</nav>
<main><h1>API reference <span lang="zh-CN">接口参考</span></h1>
${renderConventions(base_url)}
${names.map((name) => renderGroup(name, groups.get(name)!, base_url)).join("\n")}</main></div>`,
  );
}

function listEntries(document: OpenApiDocument): Entry[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      anchor: operation.operationId ?? `${method}${path.replace(/[^0-9A-Za-z]+/g, "-")}`,
      operation,
    })),
  );
}

function groupTitle(name: string): string {
  const chinese = groupNames[name];
  return escapeHtml(name) + (chinese ? ` <span lang="zh-CN">${chinese}</span>` : "");
}

function renderContents(name: string, entries: readonly Entry[]): string {
  const items = entries.map(
    ({ anchor, operation, path }) =>
      `<li><a href="#${escapeHtml(anchor)}">${escapeHtml(operation.summary ?? path)}</a></li>`,
  );
  return `<h2>${groupTitle(name)}</h2><ul>${items.join("")}</ul>`;
}

/** What holds for every request; the rest of the page is generated. */
function renderConventions(base_url: string): string {
  const list = [
    [
      "Keys",
      "密钥",
      "Send <code>Authorization: Bearer sk_test_…</code>. Test keys reach the sandbox only, live keys never do.",
    ],
    ["Amounts", "金额", "Integers in the currency's minor unit (fen, cents), as JSON numbers."],
    [
      "Idempotency",
      "幂等",
      "Send <code>Idempotency-Key</code> with every POST. A repeated request answers what the first made, with <code>Idempotent-Replayed: true</code>.",
    ],
    [
      "Lists",
      "列表",
      "Newest first. Go on with <code>starting_after</code> set to the last id while <code>has_more</code> is true.",
    ],
    [
      "Errors",
      "错误",
      'One form, with a stable <code>code</code>, listed <a href="/docs/errors">here</a>. <code>outcome: unknown</code> means: ask before you try again.',
    ],
  ];
  const rows = list.map(
    ([name, chinese, text]) => `<dt>${name} <span lang="zh-CN">${chinese}</span></dt><dd>${text}</dd>`,
  );
  return `<section><h2>Conventions <span lang="zh-CN">约定</span></h2><p>Base address <span lang="zh-CN">地址</span>: <code>${escapeHtml(base_url)}</code></p><dl>${rows.join("")}</dl></section>`;
}

function renderGroup(name: string, entries: readonly Entry[], base_url: string): string {
  return `<section><h2>${groupTitle(name)}</h2>${entries.map((entry) => renderOperation(entry, base_url)).join("")}</section>`;
}

function renderOperation({ method, path, anchor, operation }: Entry, base_url: string): string {
  const parts = [
    operation.description ? `<p>${renderInline(operation.description)}</p>` : "",
    renderParameters("Headers", "请求头", operation.parameters, "header"),
    renderParameters("Path", "路径参数", operation.parameters, "path"),
    renderParameters("Query", "查询参数", operation.parameters, "query"),
    renderFields("Body", "请求体", bodySchema(operation.requestBody)),
    renderFields("Answer", "返回", successSchema(operation)),
    renderCurl(method, base_url, path, bodySchema(operation.requestBody)),
  ];
  return `<article id="${escapeHtml(anchor)}"><h3>${escapeHtml(operation.summary ?? path)}</h3>
<p class="route"><span class="method ${method.toLowerCase()}">${method}</span> <code>${escapeHtml(path)}</code></p>${parts.join("")}</article>`;
}

function bodySchema(body: Operation["requestBody"]): JsonSchema | undefined {
  return body?.content?.["application/json"]?.schema;
}

function successSchema({ responses = {} }: Operation): JsonSchema | undefined {
  const status = Object.keys(responses).find((code) => code.startsWith("2"));
  return status === undefined ? undefined : bodySchema(responses[status]);
}

function renderParameters(
  title: string,
  chinese: string,
  parameters: readonly Parameter[] = [],
  place: string,
): string {
  const properties = parameters.filter((parameter) => parameter.in === place);
  if (properties.length === 0) return "";
  const schema: JsonSchema = {
    properties: Object.fromEntries(
      properties.map(({ name, schema: own, description }) => [name, { ...own, ...(description && { description }) }]),
    ),
    required: properties.filter((parameter) => parameter.required).map((parameter) => parameter.name),
  };
  return renderFields(title, chinese, schema);
}

function renderFields(title: string, chinese: string, schema: JsonSchema | undefined): string {
  const rows = schema ? listFields(schema) : [];
  if (rows.length === 0) return "";
  const heading = `${title} <span lang="zh-CN">${chinese}</span>`;
  return `<details open><summary>${heading}</summary><div class="scroll" tabindex="0" role="group" aria-label="${title}"><table>
<thead><tr><th scope="col">Field <span lang="zh-CN">字段</span></th><th scope="col">Type <span lang="zh-CN">类型</span></th><th scope="col">Meaning <span lang="zh-CN">说明</span></th></tr></thead>
<tbody>${rows.map(renderRow).join("")}</tbody></table></div></details>`;
}

function renderRow(row: FieldRow): string {
  const required = row.required ? "" : ' <span class="optional">optional</span>';
  const meaning = [row.description, row.limits.join("; ")].filter((text) => text !== "").map(renderInline);
  return `<tr><th scope="row"><code>${escapeHtml(row.name)}</code>${required}</th><td>${escapeHtml(row.type)}</td><td>${meaning.join("<br>")}</td></tr>`;
}

/** Merchants call with a key, people with the token of their session. */
function renderCurl(method: string, base_url: string, path: string, body: JsonSchema | undefined): string {
  const [url, isMerchants] = [base_url + path, path.startsWith("/v1/")];
  const example = body ? exampleOf(body) : undefined;
  const lines = [
    `curl ${method === "GET" ? "" : `-X ${method} `}${url}`,
    `  -H "Authorization: Bearer ${isMerchants ? "$SECRET_KEY" : "$TOKEN"}"`,
    ...(example ? ['  -H "Content-Type: application/json"', `  -d '${JSON.stringify(example)}'`] : []),
  ];
  return `<pre tabindex="0"><code>${escapeHtml(lines.join(" \\\n"))}</code></pre>`;
}

/** An example of the required fields. */
function exampleOf(schema: JsonSchema): Record<string, unknown> {
  const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
  return Object.fromEntries(required.map(([name, field]) => [name, exampleValue(name, field)]));
}

function exampleValue(name: string, schema: JsonSchema): unknown {
  const choice =
    schema.enum?.[0] ?? schema.anyOf?.find((variant) => variant.const !== undefined)?.const ?? schema.const;
  if (choice !== undefined) return choice;
  if (schema.type === "integer" || schema.type === "number")
    return Math.max(schema.minimum ?? 0, name === "amount" ? 100 : 1);
  if (schema.type === "boolean") return true;
  if (schema.type === "array") return [];
  if (schema.type === "object") return exampleOf(schema);
  if (name === "currency") return "CNY";
  return name.endsWith("url") ? "https://example.com/hook" : name === "payment" ? "pay_…" : `${name}-1`;
}
