import { escapeHtml } from "./security-headers.ts";

/** A page of the documentation around `body`, which is HTML. */
export function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<header><p><a href="/docs">Tributary <span lang="zh-CN">汇流</span></a></p><nav aria-label="Documentation">
<a href="/docs">API reference <span lang="zh-CN">接口参考</span></a>
<a href="/docs/errors">Errors <span lang="zh-CN">错误码</span></a>
<a href="/openapi.json">OpenAPI</a></nav></header>
${body}
</body>
</html>
`;
}
