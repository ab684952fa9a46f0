import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { publicId } from "../../../../kit/id.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { createBeneficiary } from "../../create-beneficiary.ts";
import { presentBeneficiary } from "../../present.ts";
import type { BeneficiaryServices } from "../../services.ts";
import { accountProperties, BeneficiaryObject, Label, Metadata } from "../schemas.ts";

const Body = Type.Object({
  ...accountProperties,
  label: Type.Optional(Label),
  metadata: Type.Optional(Metadata),
});

/** `POST /v1/beneficiaries` */
export function registerCreateBeneficiary(api: ApiServer, services: BeneficiaryServices): void {
  api.post(
    "/v1/beneficiaries",
    {
      schema: {
        operationId: "createBeneficiary",
        tags: ["Payouts"],
        summary: "Enter a beneficiary",
        description:
          "Whom money may be paid out to. What you send is encrypted and shown masked ever after. It is paid to when it is verified and its cooling is over.",
        body: Body,
        response: { 200: BeneficiaryObject, 201: BeneficiaryObject },
      },
    },
    async (request, reply) => {
      const { merchant_id, app_id, livemode, key_id } = request.caller;
      const key = readRequestKey(request);
      const entering = { merchant_id, livemode, actor: publicId("api_key", key_id) };
      const made = await createBeneficiary(services, entering, request.body, key && { ...key, app_id });
      if (!made.created) reply.header("Idempotent-Replayed", "true");
      return reply.code(made.created ? 201 : 200).send(presentBeneficiary(made.beneficiary));
    },
  );
}
