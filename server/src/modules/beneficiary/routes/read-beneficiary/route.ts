import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentBeneficiary, presentHistory } from "../../present.ts";
import { findBeneficiary } from "../../read-beneficiary.ts";
import type { BeneficiaryServices } from "../../services.ts";
import { loadChanges, loadVersions } from "../../store.ts";
import { BeneficiaryObject, BeneficiaryParams } from "../schemas.ts";

const NullableString = Type.Union([Type.String(), Type.Null()]);

const History = Type.Object({
  versions: Type.Array(
    Type.Object({
      version: Type.Integer(),
      type: Type.String(),
      account: Type.String(),
      name: NullableString,
      payable_from: Type.String(),
      verified_at: NullableString,
      created_at: Type.String(),
    }),
  ),
  changes: Type.Array(
    Type.Object({
      action: Type.String(),
      version: Type.Integer(),
      actor: Type.String(),
      note: NullableString,
      created_at: Type.String(),
    }),
  ),
});

/** `GET /v1/beneficiaries/:id` and its history. */
export function registerReadBeneficiary(api: ApiServer, { db }: Pick<BeneficiaryServices, "db">): void {
  const tags = ["Payouts"];
  api.get(
    "/v1/beneficiaries/:id",
    {
      schema: {
        operationId: "readBeneficiary",
        tags,
        summary: "Read a beneficiary",
        params: BeneficiaryParams,
        response: { 200: BeneficiaryObject },
      },
    },
    async ({ caller, params }) => presentBeneficiary(await findBeneficiary(db, caller, params.id)),
  );
  api.get(
    "/v1/beneficiaries/:id/history",
    {
      schema: {
        operationId: "readBeneficiaryHistory",
        tags,
        summary: "Read what was done to a beneficiary",
        params: BeneficiaryParams,
        response: { 200: History },
      },
    },
    async ({ caller, params }) => {
      const beneficiary = await findBeneficiary(db, caller, params.id);
      const [versions, changes] = await Promise.all([loadVersions(db, beneficiary), loadChanges(db, beneficiary)]);
      return presentHistory(versions, changes);
    },
  );
}
