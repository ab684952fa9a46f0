import { reserveReleasedPosting } from "../../templates/reserve.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface ReleaseRow extends SourceRow {
  amount: bigint;
  currency: string;
}

/** Releases of reserves. That parts and the account agree is `verify-reserves.ts`. */
export const reserveReleases = checkSource<ReleaseRow>({
  noun: "reserve_release",
  counted: "reserve_releases",
  kinds: ["reserve_released"],
  from: "reserve_releases s",
  columns: "s.reason as status, s.amount, s.currency",
  calls_for: "'reserve_released'",
  changed_at: "s.created_at",
  book({ source_id: release_id, amount, currency, merchant_id, livemode }) {
    const head = { merchant_id, livemode, release_id, occurred_at: 0 };
    return [reserveReleasedPosting({ ...head, amount: { amount, currency } })];
  },
});
