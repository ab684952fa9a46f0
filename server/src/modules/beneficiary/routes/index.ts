import type { ApiServer } from "../../../kit/http/api.ts";
import type { BeneficiaryServices } from "../services.ts";
import { registerChangeBeneficiary } from "./change-beneficiary/route.ts";
import { registerCreateBeneficiary } from "./create-beneficiary/route.ts";
import { registerJudgeBeneficiary } from "./judge-beneficiary/route.ts";
import { registerListBeneficiaries } from "./list-beneficiaries/route.ts";
import { registerReadBeneficiary } from "./read-beneficiary/route.ts";

/** Registers the routes of beneficiaries. `request.caller` must have been set by authentication. */
export function registerBeneficiaryRoutes(api: ApiServer, services: BeneficiaryServices): void {
  registerCreateBeneficiary(api, services);
  registerListBeneficiaries(api, services);
  registerReadBeneficiary(api, services);
  registerChangeBeneficiary(api, services);
}

/** Registers what operators do with beneficiaries, in their scope. */
export function registerBeneficiaryOperatorRoutes(operator: ApiServer, services: BeneficiaryServices): void {
  registerJudgeBeneficiary(operator, services);
}
