import { Readable } from "node:stream";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId, publicId } from "../../../../kit/id.ts";
import { makeOnce } from "../../../operator/index.ts";
import { bankFileFormats, createBankFile, writeBankFile } from "../../bank-file.ts";
import { type BankFile, listBankFiles, loadBankFile } from "../../bank-file-store.ts";
import { payoutErrors } from "../../errors.ts";
import { presentBankFile } from "../../present.ts";
import type { PayoutServices } from "../../services.ts";
import { BankFileObject, Currency, PayoutParams } from "../schemas.ts";

const PATH = "/operator/v1/payout_bank_files";
const tags = ["Operator: payouts"];

const contentTypes = {
  csv: "text/csv; charset=utf-8",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/** Files of what our bank is to pay: made once, had as often as one likes. */
export function registerOperatorBankFiles(operator: ApiServer, services: PayoutServices): void {
  registerMaking(operator, services);
  registerReading(operator, services);
}

function registerMaking(operator: ApiServer, services: PayoutServices): void {
  operator.post(
    PATH,
    {
      schema: {
        operationId: "createPayoutBankFile",
        tags,
        summary: "Make a file of the payouts that wait for our bank",
        description:
          "From then on they are sent; each is in one file. Give the file to the bank and record each result.",
        body: Type.Object({ livemode: Type.Boolean(), currency: Currency }),
        response: { 200: BankFileObject, 201: BankFileObject },
      },
    },
    async (request, reply) => {
      const given = { ...request.body, created_by: publicId("user", request.operator.user_id) };
      const result = await makeOnce(services, { request, reply, object_type: "payout_bank_file" }, (tx) =>
        createBankFile(services, tx, given),
      );
      services.kick.webhooks();
      if ("made" in result) return reply.code(201).send(presentBankFile(result.made));
      return reply
        .code(200)
        .send(presentBankFile(await requireFile(services, publicId("payout_bank_file", result.replayed))));
    },
  );
}

/** @throws payout_bank_file.not_found */
async function requireFile({ db }: PayoutServices, public_id: string): Promise<BankFile> {
  const id = parsePublicId("payout_bank_file", public_id);
  const file = id && (await loadBankFile(db, id));
  if (!file) throw payoutErrors["payout_bank_file.not_found"]();
  return file;
}

function registerReading(operator: ApiServer, services: PayoutServices): void {
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listPayoutBankFiles",
        tags,
        summary: "List files for the bank",
        querystring: PageQuery,
        response: { 200: ListOf(BankFileObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "payout_bank_file");
      const { rows, has_more } = cutPage(page, await listBankFiles(services.db, page));
      return toList(rows.map(presentBankFile), has_more, PATH);
    },
  );
  operator.get(
    `${PATH}/:id/file`,
    {
      schema: {
        operationId: "downloadPayoutBankFile",
        tags,
        summary: "Have a file for the bank",
        description: "With account numbers and names in clear. The same file however often.",
        params: PayoutParams,
        querystring: Type.Object({
          format: Type.Optional(
            Type.Unsafe<(typeof bankFileFormats)[number]>({
              type: "string",
              enum: [...bankFileFormats],
              description: "xlsx unless given.",
            }),
          ),
        }),
      },
    },
    async ({ params, query }, reply) => {
      const file = await requireFile(services, params.id);
      const { format = "xlsx" } = query;
      reply.header("content-type", contentTypes[format]);
      reply.header("content-disposition", `attachment; filename="${params.id}.${format}"`);
      return reply.send(Readable.from(writeBankFile(services, file, format), { objectMode: false }));
    },
  );
}
