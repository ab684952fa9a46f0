/** Every kind of row that calls for transactions. A new one is a file here and a line below. */
import type { TransactionKind } from "../../posting.ts";
import type { SourceCheck } from "../source.ts";
import { accountOperations } from "./account-operation.ts";
import { attempts } from "./attempt.ts";
import { commissionParts } from "./commission-part.ts";
import { commissionSettlements } from "./commission-settlement.ts";
import { payouts } from "./payout.ts";
import { reconciliations } from "./reconciliation.ts";
import { refunds } from "./refund.ts";
import { reserveReleases } from "./reserve-release.ts";
import { serviceFeeDeposits, serviceFeePayments } from "./service-fee.ts";
import { settlements } from "./settlement.ts";
import { receivedShares, sharingParts } from "./sharing-part.ts";
import { givenBackShares, sharingReturns } from "./sharing-return.ts";

export const sources: readonly SourceCheck[] = [
  accountOperations,
  attempts,
  refunds,
  settlements,
  reserveReleases,
  payouts,
  commissionParts,
  commissionSettlements,
  sharingParts,
  receivedShares,
  sharingReturns,
  givenBackShares,
  reconciliations,
  serviceFeeDeposits,
  serviceFeePayments,
];

/** By the kinds of transactions that they call for. */
export const sourceOfKind: ReadonlyMap<string, SourceCheck> = new Map(
  sources.flatMap((source) => source.kinds.map((kind: TransactionKind) => [kind, source] as const)),
);
