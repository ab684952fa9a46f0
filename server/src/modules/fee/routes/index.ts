import type { ApiServer } from "../../../kit/http/api.ts";
import type { PreviewServices } from "../preview-fee.ts";
import { registerListFeeRules } from "./list-fee-rules/route.ts";
import { registerPreviewFee } from "./preview-fee/route.ts";

/** Registers the module's routes in a scope that authenticates. */
export function registerFeeRoutes(api: ApiServer, services: PreviewServices): void {
  registerListFeeRules(api, services);
  registerPreviewFee(api, services);
}
