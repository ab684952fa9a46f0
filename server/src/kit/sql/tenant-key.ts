import { plainArray } from "./arrays.ts";

/** The identity of a merchant-owned row. */
export interface TenantKey {
  merchant_id: string;
  id: string;
}

/** Keys as two parallel `uuid[]` literals, for `unnest($1::uuid[], $2::uuid[])`. */
export function keyArrays(keys: readonly TenantKey[]): [string, string] {
  return [plainArray(keys.map((key) => key.merchant_id)), plainArray(keys.map((key) => key.id))];
}
