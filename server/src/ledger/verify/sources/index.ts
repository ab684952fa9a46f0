/** Every kind of row that calls for transactions. A new one is a file here and a line below. */
import type { SourceCheck } from "../source.ts";
import { attempts } from "./attempt.ts";
import { refunds } from "./refund.ts";
import { settlements } from "./settlement.ts";

export const sources: readonly SourceCheck[] = [attempts, refunds, settlements];
