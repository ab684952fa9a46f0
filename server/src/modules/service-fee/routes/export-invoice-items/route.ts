import { Readable } from "node:stream";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { exportItems } from "../../export-items.ts";
import { findInvoice } from "../../read-invoice.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { type Language, languages } from "../../words.ts";
import { InvoiceParams, tags } from "../schemas.ts";

const Query = Type.Object({
  lang: Type.Optional(
    Type.Unsafe<Language>({
      type: "string",
      enum: [...languages],
      default: "zh",
      description: "The language of headings and words; zh unless given.",
    }),
  ),
});

/** `GET /v1/service_fee_invoices/:id/items.csv`: made as fast as the reader takes it, in bounded memory. */
export function registerExportInvoiceItems(api: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  const file = Type.Unsafe<Readable>({ type: "string", format: "binary" });
  api.get(
    "/v1/service_fee_invoices/:id/items.csv",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "exportServiceFeeInvoiceItems",
        tags,
        summary: "Export a service fee invoice's items as CSV",
        description: "Oldest first, amounts in major units, times where the merchant is.",
        params: InvoiceParams,
        querystring: Query,
        response: { 200: { description: "The file.", content: { "text/csv": { schema: file } } } },
      },
    },
    async ({ caller, params, query }, reply) => {
      const invoice = await findInvoice(db, caller, params.id);
      const chunks = await exportItems(db, invoice, query.lang ?? "zh");
      reply.type("text/csv; charset=utf-8");
      reply.header("content-disposition", `attachment; filename="${params.id}.csv"`);
      return reply.send(Readable.from(chunks, { objectMode: false }));
    },
  );
}
