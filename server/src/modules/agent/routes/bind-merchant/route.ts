import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { merchantErrors } from "../../../merchant/index.ts";
import { bindMerchant } from "../../bind-merchant.ts";
import { presentBinding } from "../../present.ts";
import type { OperatorAgentServices } from "../index.ts";
import { readAgentId } from "../schemas.ts";

const Body = Type.Object({
  merchant: Type.String({ maxLength: 64 }),
  agent: Type.Union([Type.String({ maxLength: 64 }), Type.Null()], { description: "Null: nobody's." }),
  effective_from: Type.Optional(Type.String({ format: "date-time", description: "Now unless given; never earlier." })),
});

const BindingObject = Type.Object({
  object: Type.Literal("agent_binding"),
  merchant: Type.String(),
  agent: Type.Union([Type.String(), Type.Null()]),
  effective_from: Type.String({ format: "date-time" }),
  created_at: Type.String({ format: "date-time" }),
});

/** `POST /operator/v1/agent_bindings`: the same again is the same. */
export function registerBindMerchant(operator: ApiServer, services: OperatorAgentServices): void {
  operator.post(
    "/operator/v1/agent_bindings",
    {
      schema: {
        operationId: "bindMerchant",
        tags: ["Operator: agents"],
        summary: "Say whose merchant one is",
        description:
          "It counts for payments that are priced from then on; a payment keeps the agents it was priced with.",
        body: Body,
        response: { 200: BindingObject },
      },
    },
    async ({ body, operator: { user_id: created_by } }) => {
      const merchant_id = parsePublicId("merchant", body.merchant);
      if (merchant_id === undefined) throw merchantErrors["merchant.not_found"]();
      const agent_id = body.agent === null ? null : readAgentId(body.agent, "agent");
      const from = body.effective_from === undefined ? {} : { effective_from: Date.parse(body.effective_from) };
      return presentBinding(await bindMerchant(services.db, services, { merchant_id, agent_id, created_by, ...from }));
    },
  );
}
