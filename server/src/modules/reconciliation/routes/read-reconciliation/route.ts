import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { pageCases } from "../../case-store.ts";
import { countDifferences, pageDifferences } from "../../difference-store.ts";
import { presentCase, presentDay, presentDifference } from "../../present.ts";
import { findDay, readCaseId, readDayKey, showCaseOf, showDay } from "../../read-reconciliation.ts";
import type { ReconciliationServices } from "../../services.ts";
import { listDays, loadClosing } from "../../store.ts";
import {
  CaseObject,
  CaseParams,
  CaseStateChoice,
  DayObject,
  DayParams,
  DifferenceObject,
  DifferenceState,
  DifferenceType,
  WholeCaseObject,
  WholeDayObject,
} from "../schemas.ts";

const PATH = "/operator/v1/reconciliation";
const tags = ["Operator: reconciliation"];
const DAYS_MAX = 400;
const Day = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" });

/** Days, a day, its differences. */
export function registerReadDays(api: ApiServer, services: ReconciliationServices): void {
  const { db } = services;
  api.get(
    `${PATH}/days`,
    {
      schema: {
        ...{ operationId: "listReconciliationDays", tags, summary: "List days of channel accounts" },
        description: "From one day to another, the newest first: what both sides say, what differs, what is closed.",
        querystring: Type.Object({
          from: Day,
          to: Day,
          account: Type.Optional(Type.String({ maxLength: 64, description: "Only this channel account's." })),
        }),
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(DayObject) }) },
      },
    },
    async ({ query: { from, to, account } }) => {
      const channel_account_id = account === undefined ? null : parsePublicId("channel_account", account);
      if (channel_account_id === undefined) return { object: "list" as const, data: [] };
      const days = await listDays(db, { channel_account_id, from, to, limit: DAYS_MAX });
      const data = days.map(async (day) =>
        presentDay(day, await countDifferences(db, day), await loadClosing(db, day)),
      );
      return { object: "list" as const, data: await Promise.all(data) };
    },
  );
  api.get(
    `${PATH}/accounts/:account/days/:day`,
    {
      schema: {
        ...{ operationId: "readReconciliationDay", tags, summary: "Read a day", params: DayParams },
        response: { 200: WholeDayObject },
      },
    },
    async ({ params }) => showDay(services, await findDay(services, readDayKey(params))),
  );
  api.get(
    `${PATH}/accounts/:account/days/:day/differences`,
    {
      schema: {
        ...{
          operationId: "listReconciliationDifferences",
          tags,
          summary: "List a day's differences",
          params: DayParams,
        },
        querystring: Type.Object({
          ...pageProperties,
          state: Type.Optional(DifferenceState),
          type: Type.Optional(DifferenceType),
        }),
        response: { 200: ListOf(DifferenceObject) },
      },
    },
    async ({ params, query }) => {
      const page = readPage(query, "reconciliation_difference");
      const day = await findDay(services, readDayKey(params));
      const found = await pageDifferences(db, day, { state: query.state ?? null, type: query.type ?? null }, page);
      const { rows, has_more } = cutPage(page, found);
      return toList(
        rows.map(presentDifference),
        has_more,
        `${PATH}/accounts/${params.account}/days/${params.day}/differences`,
      );
    },
  );
}

/** Cases, and a case. */
export function registerReadCases(api: ApiServer, services: ReconciliationServices): void {
  api.get(
    `${PATH}/cases`,
    {
      schema: {
        ...{ operationId: "listReconciliationCases", tags, summary: "List cases" },
        description: "What nobody and nothing has mended: who looks into it, and what was decided.",
        querystring: Type.Object({
          ...PageQuery.properties,
          account: Type.Optional(Type.String({ maxLength: 64, description: "Only this channel account's." })),
          state: Type.Optional(CaseStateChoice),
        }),
        response: { 200: ListOf(CaseObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "reconciliation_case");
      const channel_account_id = query.account === undefined ? null : parsePublicId("channel_account", query.account);
      if (channel_account_id === undefined) return toList([], false, `${PATH}/cases`);
      const found = await pageCases(services.db, { channel_account_id, state: query.state ?? null }, page);
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentCase), has_more, `${PATH}/cases`);
    },
  );
  api.get(
    `${PATH}/cases/:id`,
    {
      schema: {
        ...{
          operationId: "readReconciliationCase",
          tags,
          summary: "Read a case, with its comments",
          params: CaseParams,
        },
        response: { 200: WholeCaseObject },
      },
    },
    async ({ params }) => showCaseOf(services, readCaseId(params.id)),
  );
}
