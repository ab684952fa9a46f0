/** Which methods answer at a path: for 405 and its `Allow`. Only asked when no route matched, so a plain scan serves. */
export interface RouteIndex {
  add(methods: string | readonly string[], pattern: string): void;
  methodsOf(path: string): string[];
}

/** An empty index; patterns are written as Fastify takes them: `/v1/payments/:id`, `/assets/*`. */
export function createRouteIndex(): RouteIndex {
  const routes = new Map<string, { expression: RegExp; methods: Set<string> }>();
  return {
    add(methods, pattern) {
      let route = routes.get(pattern);
      if (!route) {
        route = { expression: toExpression(pattern), methods: new Set() };
        routes.set(pattern, route);
      }
      for (const method of [methods].flat()) route.methods.add(method);
    },
    methodsOf(path) {
      const matching = [...routes.values()].filter(({ expression }) => expression.test(path));
      return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
    },
  };
}

/** `/v1/payments/:id/close` and `/assets/*` to expressions. */
function toExpression(pattern: string): RegExp {
  const source = pattern
    .split("/")
    .map((part) => {
      if (part.startsWith(":")) return "[^/]+";
      return part === "*" ? ".*" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    })
    .join("/");
  return new RegExp(`^${source}$`);
}
