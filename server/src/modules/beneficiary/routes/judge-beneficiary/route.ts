import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId, publicId } from "../../../../kit/id.ts";
import { getMerchant, merchantErrors } from "../../../merchant/index.ts";
import { type Beneficiary, beneficiaryStatuses } from "../../beneficiary.ts";
import { refuseBeneficiary, verifyBeneficiary } from "../../change-beneficiary.ts";
import { beneficiaryErrors } from "../../errors.ts";
import { presentBeneficiary } from "../../present.ts";
import type { BeneficiaryServices } from "../../services.ts";
import { listBeneficiaries, loadBeneficiaries } from "../../store.ts";
import { BeneficiaryObject } from "../schemas.ts";

const tags = ["Operator: payouts"];
const PATH = "/operator/v1/merchants/:merchant/beneficiaries";
const Id = Type.String({ maxLength: 64 });

const Body = Type.Object({
  version: Type.Integer({ minimum: 1, description: "The version that you have looked at." }),
  note: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "Why; kept in its history." })),
});

/** What operators do with beneficiaries: see a merchant's, verify them or refuse them. */
export function registerJudgeBeneficiary(operator: ApiServer, services: BeneficiaryServices): void {
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listBeneficiariesOfMerchant",
        tags,
        summary: "List a merchant's beneficiaries",
        params: Type.Object({ merchant: Id }),
        querystring: Type.Object({
          ...pageProperties,
          livemode: Type.Optional(
            Type.Boolean({ default: true, description: "Which of the merchant's two books; live unless given." }),
          ),
          status: Type.Optional(Type.Union(beneficiaryStatuses.map((status) => Type.Literal(status)))),
        }),
        response: { 200: ListOf(BeneficiaryObject) },
      },
    },
    async ({ params, query }) => {
      const page = readPage(query, "beneficiary");
      const url = PATH.replace(":merchant", params.merchant);
      const merchant_id = parsePublicId("merchant", params.merchant);
      if (merchant_id === undefined) throw merchantErrors["merchant.not_found"]();
      await getMerchant(services.db, merchant_id);
      const { livemode = true, status = null } = query;
      const found = await listBeneficiaries(services.db, { merchant_id, livemode, status, type: null, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentBeneficiary), has_more, url);
    },
  );
  for (const [verdict, judge] of Object.entries({ verify: verifyBeneficiary, refuse: refuseBeneficiary })) {
    operator.post(
      `${PATH}/:id/${verdict}`,
      {
        schema: {
          operationId: `${verdict}Beneficiary`,
          tags,
          summary: verdict === "verify" ? "Verify a beneficiary" : "Refuse a beneficiary: nothing is paid to it",
          params: Type.Object({ merchant: Id, id: Id }),
          body: Body,
          response: { 200: BeneficiaryObject },
        },
      },
      async ({ params, body, operator: by }) => {
        const { merchant_id, id, livemode } = await findOne(services, params);
        const changing = { merchant_id, id, livemode, actor: publicId("user", by.user_id), note: body.note };
        return presentBeneficiary(await judge(services, changing, body.version));
      },
    );
  }
}

/** @throws beneficiary.not_found */
async function findOne(
  { db }: BeneficiaryServices,
  { merchant, id: public_id }: { merchant: string; id: string },
): Promise<Beneficiary> {
  const [merchant_id, id] = [parsePublicId("merchant", merchant), parsePublicId("beneficiary", public_id)];
  const found = merchant_id && id ? (await loadBeneficiaries(db, [{ merchant_id, id }])).get(id) : undefined;
  if (!found) throw beneficiaryErrors["beneficiary.not_found"]();
  return found;
}
