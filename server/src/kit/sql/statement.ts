/**
 * A statement has a name (prepared once per connection, and the key of its metrics) and its text. Whoever declares one
 * says whose rows it touches: a tenant statement names `merchant_id`, so that it stays on one merchant's shard and can
 * never leak another's rows; a platform statement reads across merchants and is for workers and operators.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Declares a statement on merchant-owned tables. Throws at load time when it does not name `merchant_id`. */
export function tenantStatement(name: string, text: string): Statement {
  if (!text.includes("merchant_id")) throw new Error(`tenant statement ${name} does not name merchant_id`);
  return { name, text };
}

/** Declares a statement that crosses merchants on purpose: worker scans, key lookup, verification. */
export function platformStatement(name: string, text: string): Statement {
  return { name, text };
}
