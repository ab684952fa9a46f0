/** Stripe's form encoding: `a[b][0][c]=v` is an object of objects and lists. */

/** A parsed parameter. Lists are objects with the keys "0", "1", … until they are asked for as lists. */
export type Parameter = string | { [name: string]: Parameter };
export type Parameters = { [name: string]: Parameter };

const depth_max = 8;

/** Reads an urlencoded text; undefined when a name is malformed or contradicts another. */
export function parseParameters(text: string): Parameters | undefined {
  const root: Parameters = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const head = /^[^[\]]+/.exec(name)?.[0];
    const rest = name.slice(head?.length ?? 0);
    if (head === undefined || !/^(?:\[[^[\]]*\])*$/.test(rest)) return undefined;
    const path = [head, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1]!)];
    if (path.length > depth_max || !put(root, path, value)) return undefined;
  }
  return root;
}

function put(root: Parameters, path: string[], value: string): boolean {
  let place = root;
  for (const [index, part] of path.entries()) {
    const key = part === "" ? String(Object.keys(place).length) : part;
    if (index === path.length - 1) {
      place[key] = value;
      return true;
    }
    place[key] ??= Object.create(null) as Parameters;
    const next = place[key];
    if (typeof next === "string") return false;
    place = next;
  }
  return true;
}
