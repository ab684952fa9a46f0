import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { publicId } from "../../../../kit/id.ts";
import type { Beneficiary } from "../../beneficiary.ts";
import {
  type Changing,
  changeAccount,
  deleteBeneficiary,
  disableBeneficiary,
  enableBeneficiary,
  relabelBeneficiary,
} from "../../change-beneficiary.ts";
import { presentBeneficiary } from "../../present.ts";
import { findBeneficiary } from "../../read-beneficiary.ts";
import type { BeneficiaryServices } from "../../services.ts";
import { accountProperties, BeneficiaryObject, BeneficiaryParams, Label, Metadata } from "../schemas.ts";

const PATH = "/v1/beneficiaries/:id";
const tags = ["Payouts"];
const response = { 200: BeneficiaryObject };

/** Changes of a beneficiary: a new version of its account, its label, and whether it is used. */
export function registerChangeBeneficiary(api: ApiServer, services: BeneficiaryServices): void {
  const changing = async ({ caller, params }: Pick<FastifyRequest, "caller"> & { params: { id: string } }) => {
    const { merchant_id, livemode, id } = await findBeneficiary(services.db, caller, params.id);
    return { merchant_id, livemode, id, actor: publicId("api_key", caller.key_id) };
  };
  api.post(
    `${PATH}/versions`,
    {
      schema: {
        operationId: "changeBeneficiaryAccount",
        tags,
        summary: "Replace a beneficiary's account",
        description: "The account becomes another version, which is verified and cools anew before it is paid to.",
        params: BeneficiaryParams,
        body: Type.Object(accountProperties),
        response,
      },
    },
    async (request) => presentBeneficiary(await changeAccount(services, await changing(request), request.body)),
  );
  api.patch(
    PATH,
    {
      schema: {
        operationId: "updateBeneficiary",
        tags,
        summary: "Change a beneficiary's label or metadata",
        params: BeneficiaryParams,
        body: Type.Object({
          label: Type.Optional(Type.Union([Label, Type.Null()])),
          metadata: Type.Optional(Metadata),
        }),
        response,
      },
    },
    async (request) => presentBeneficiary(await relabelBeneficiary(services, await changing(request), request.body)),
  );
  const act = (
    method: "POST" | "DELETE",
    url: string,
    operationId: string,
    summary: string,
    use: (services: BeneficiaryServices, changing: Changing) => Promise<Beneficiary>,
  ) =>
    api.route({
      method,
      url,
      schema: { operationId, tags, summary, params: BeneficiaryParams, response },
      handler: async (request) => presentBeneficiary(await use(services, await changing(request))),
    });
  act("POST", `${PATH}/disable`, "disableBeneficiary", "Stop paying to a beneficiary", disableBeneficiary);
  act("POST", `${PATH}/enable`, "enableBeneficiary", "Pay to a beneficiary again", enableBeneficiary);
  act("DELETE", PATH, "deleteBeneficiary", "Delete a beneficiary; what was paid to it stays", deleteBeneficiary);
}
