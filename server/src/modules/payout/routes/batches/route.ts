import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import type { PayoutBatch } from "../../batch.ts";
import { listBatches, listLines, readProgress } from "../../batch-store.ts";
import { cancelBatch, confirmBatch, findBatch } from "../../confirm-batch.ts";
import { presentBatch, presentLine } from "../../present-batch.ts";
import type { PayoutServices } from "../../services.ts";
import { uploadBatch } from "../../upload-batch.ts";
import { Currency, PayoutParams } from "../schemas.ts";
import { BatchObject, LineObject } from "./schemas.ts";

const PATH = "/v1/payout_batches";
const tags = ["Payouts"];
const FILE_BYTES_MAX = 8 * 1_048_576;
const LINES_IN_PAGE_MAX = 1_000;

/** Batches: a file is uploaded, looked at, confirmed or cancelled, and read until it is finished. */
export function registerBatches(api: ApiServer, services: PayoutServices): void {
  registerUpload(api, services);
  registerReads(api, services);
  registerDecisions(api, services);
}

function registerUpload(api: ApiServer, services: PayoutServices): void {
  api.register(async (scope: ApiServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("text/csv", { parseAs: "buffer", bodyLimit: FILE_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(
      PATH,
      {
        schema: {
          operationId: "uploadPayoutBatch",
          tags,
          summary: "Upload a file of payouts",
          description:
            "The body is the file itself: CSV (`Content-Type: text/csv`), 10,000 lines at most, with headings in Chinese or English. Every line is looked at, and nothing moves before the batch is confirmed. The same file again answers the batch that is there (200).",
          consumes: ["text/csv"],
          body: Type.Unsafe<Buffer>({ description: "The file." }),
          querystring: Type.Object({
            currency: Type.Optional(Currency),
            file_name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          }),
          response: { 200: BatchObject, 201: BatchObject },
        },
      },
      async (request, reply) => {
        const { currency = "CNY", file_name = null } = request.query;
        const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const { batch, created } = await uploadBatch(services, request.caller, { bytes, name: file_name, currency });
        return reply.code(created ? 201 : 200).send(presentBatch(batch));
      },
    );
  });
}

async function show({ db }: PayoutServices, batch: PayoutBatch) {
  return presentBatch(batch, await readProgress(db, batch));
}

function registerReads(api: ApiServer, services: PayoutServices): void {
  const { db } = services;
  api.get(
    PATH,
    {
      schema: {
        operationId: "listPayoutBatches",
        tags,
        summary: "List batches of payouts",
        querystring: PageQuery,
        response: { 200: ListOf(BatchObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "payout_batch");
      const { rows, has_more } = cutPage(page, await listBatches(db, caller, page));
      return toList(
        rows.map((batch) => presentBatch(batch)),
        has_more,
        PATH,
      );
    },
  );
  api.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readPayoutBatch",
        tags,
        summary: "Read a batch of payouts and its progress",
        params: PayoutParams,
        response: { 200: BatchObject },
      },
    },
    async ({ caller, params }) => show(services, await findBatch(db, caller, params.id)),
  );
  api.get(
    `${PATH}/:id/lines`,
    {
      schema: {
        operationId: "listPayoutBatchLines",
        tags,
        summary: "List the lines of a batch, or only the bad ones",
        params: PayoutParams,
        querystring: Type.Object({
          bad: Type.Optional(Type.Boolean({ description: "Only lines with problems, or that were refused." })),
          after: Type.Optional(Type.Integer({ minimum: 0, description: "Lines after this one." })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LINES_IN_PAGE_MAX, default: 100 })),
        }),
        response: { 200: ListOf(LineObject) },
      },
    },
    async ({ caller, params, query }) => {
      const batch = await findBatch(db, caller, params.id);
      const { bad = false, after = 0, limit = 100 } = query;
      const lines = await listLines(db, batch, { bad, after, limit: limit + 1 });
      return toList(lines.slice(0, limit).map(presentLine), lines.length > limit, `${PATH}/${params.id}/lines`);
    },
  );
}

function registerDecisions(api: ApiServer, services: PayoutServices): void {
  api.post(
    `${PATH}/:id/confirm`,
    {
      schema: {
        operationId: "confirmPayoutBatch",
        tags,
        summary: "Confirm a batch: its lines become payouts",
        description: "What is available must cover all of it. Confirmed again, nothing changes.",
        params: PayoutParams,
        response: { 200: BatchObject },
      },
    },
    async ({ caller, params }) => {
      const batch = await findBatch(services.db, caller, params.id);
      return show(services, await confirmBatch(services, caller, batch));
    },
  );
  api.post(
    `${PATH}/:id/cancel`,
    {
      schema: {
        operationId: "cancelPayoutBatch",
        tags,
        summary: "Cancel a batch that was not confirmed",
        params: PayoutParams,
        response: { 200: BatchObject },
      },
    },
    async ({ caller, params }) => {
      const batch = await findBatch(services.db, caller, params.id);
      return show(services, await cancelBatch(services, batch));
    },
  );
}
