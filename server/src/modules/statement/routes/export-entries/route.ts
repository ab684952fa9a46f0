import { Readable } from "node:stream";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { type ExportFormat, exportEntries } from "../../export-entries.ts";
import type { StatementServices } from "../../services.ts";
import { type Language, languages } from "../../words.ts";
import { Currency, DayParams } from "../schemas.ts";

const media: Readonly<Record<ExportFormat, { type: string; operationId: string; summary: string }>> = {
  csv: { type: "text/csv; charset=utf-8", operationId: "exportEntriesAsCsv", summary: "Export a day's entries as CSV" },
  xlsx: {
    type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    operationId: "exportEntriesAsXlsx",
    summary: "Export a day as XLSX",
  },
};

const Query = Type.Object({
  currency: Currency,
  lang: Type.Optional(
    Type.Unsafe<Language>({
      type: "string",
      enum: [...languages],
      default: "zh",
      description: "The language of headings and words; zh unless given.",
    }),
  ),
});

/** `GET /v1/statements/:date/entries.csv` and `.xlsx`: made as fast as the reader takes it, in bounded memory. */
export function registerExportEntries(api: ApiServer, services: StatementServices): void {
  for (const format of Object.keys(media) as ExportFormat[]) registerFormat(api, services, format);
}

function registerFormat(api: ApiServer, services: StatementServices, format: ExportFormat): void {
  const { type, operationId, summary } = media[format];
  const file = Type.Unsafe<Readable>({ type: "string", format: "binary" });
  api.get(
    `/v1/statements/:date/entries.${format}`,
    {
      // Whoever asks for the headers alone must not have the whole file made.
      exposeHeadRoute: false,
      schema: {
        operationId,
        tags: ["Statements"],
        summary,
        description: "Amounts in major units, times where the merchant is. A file that was cut off ends with an error.",
        params: DayParams,
        querystring: Query,
        response: { 200: { description: "The file.", content: { [type.split(";")[0]!]: { schema: file } } } },
      },
    },
    async ({ caller, params, query }, reply) => {
      const { merchant_id, livemode } = caller;
      const { currency, lang: language = "zh" } = query;
      const { name, chunks } = await exportEntries(services, {
        ...{ merchant_id, livemode, date: params.date, currency },
        ...{ format, language },
      });
      reply.type(type).header("content-disposition", `attachment; filename="${name}"`);
      return reply.send(Readable.from(chunks, { objectMode: false }));
    },
  );
}
