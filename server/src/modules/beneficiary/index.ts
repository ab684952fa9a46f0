/** Beneficiaries: whom a merchant's money may be paid out to. The only door of the module. */
export { type AccountInput, readAccount } from "./account.ts";
export {
  type Beneficiary,
  type BeneficiarySettings,
  type BeneficiaryType,
  beneficiaryTransitions,
  type Hindrance,
  hindranceOf,
  verificationRules,
} from "./beneficiary.ts";
export {
  type Changing,
  changeAccount,
  deleteBeneficiary,
  disableBeneficiary,
  enableBeneficiary,
  refuseBeneficiary,
  verifyBeneficiary,
} from "./change-beneficiary.ts";
export { type BeneficiaryInput, createBeneficiary } from "./create-beneficiary.ts";
export { beneficiaryErrors } from "./errors.ts";
export { presentBeneficiary, presentHistory } from "./present.ts";
export { findBeneficiary, findByAccounts, type OpenedVersion, openVersion } from "./read-beneficiary.ts";
export { registerBeneficiaryOperatorRoutes, registerBeneficiaryRoutes } from "./routes/index.ts";
export type { BeneficiaryServices } from "./services.ts";
export { readBeneficiarySettings, setBeneficiarySettings } from "./settings.ts";
export {
  listBeneficiaries,
  loadBeneficiaries,
  loadChanges as loadBeneficiaryChanges,
  loadVersions as loadBeneficiaryVersions,
} from "./store.ts";
