import { type Static, Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { publicId } from "../../../../kit/id.ts";
import { ApprovalObject, carryOutApproval, loadApproval, presentApprovals } from "../../../approval/index.ts";
import {
  endRefund,
  listWaitingRefundTransfers,
  listWaitingTransfers,
  rejectTransfer,
} from "../../../bank-transfer/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { redirectRefund } from "../../../refund/index.ts";
import { Currency, IdParams, Reason } from "../../of-merchant.ts";
import { requestConfirmation } from "../../request-confirmation.ts";
import type { AdministrationServices } from "../../services.ts";

const TRANSFERS = "/operator/v1/bank_transfers";
const REFUNDS = "/operator/v1/bank_refunds";
const tags = ["Operator: bank transfers"];
const GivenNumber = Type.String({ minLength: 1, maxLength: 64 });
const BankReference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "The bank's own number of the transfer.",
});
const BookedAt = Type.Optional(
  Type.String({ format: "date-time", description: "When the bank booked it; now unless given." }),
);
const NullableString = Type.Union([Type.String(), Type.Null()]);
const Waiting = (more: Parameters<typeof Type.Object>[0]) =>
  Type.Object({
    object: Type.Literal("list"),
    data: Type.Array(
      Type.Object({
        ...more,
        amount: Type.String({ description: "In major units, as on the bank's statement." }),
        currency: Type.String(),
        payment: Type.String(),
        serial_no: Type.String(),
        merchant: Type.String(),
        channel_account: Type.String(),
        livemode: Type.Boolean(),
        created_at: Type.String({ format: "date-time" }),
      }),
    ),
  });

const ConfirmBody = Type.Object({
  number: Type.String({
    minLength: 1,
    maxLength: 64,
    description: "The reference that the payer wrote, or serial_no.",
  }),
  amount: Type.Integer({ minimum: 1, description: "What arrived, in minor units." }),
  currency: Currency,
  bank_reference: BankReference,
  received_at: BookedAt,
  reason: Reason,
});

/** Transfers that a person sees at the bank, and refunds that go another way. */
export function registerTransfers(operator: ApiServer, services: AdministrationServices): void {
  registerWaiting(operator, services);
  registerConfirm(operator, services);
  registerReject(operator, services);
  registerEndRefunds(operator, services);
  registerRedirect(operator, services);
}

function registerWaiting(operator: ApiServer, services: AdministrationServices): void {
  const transfers = Waiting({ reference: NullableString, expires_at: Type.String({ format: "date-time" }) });
  operator.get(
    TRANSFERS,
    {
      schema: {
        operationId: "listWaitingTransfers",
        tags,
        summary: "List payments that wait for a transfer",
        response: { 200: transfers },
      },
    },
    async () => ({ object: "list" as const, data: await listWaitingTransfers(services) }),
  );
  const owed = { refund: Type.String(), refund_no: Type.String(), reason: NullableString };
  operator.get(
    REFUNDS,
    {
      schema: {
        operationId: "listWaitingRefundTransfers",
        tags,
        summary: "List refunds that somebody has to send at the bank",
        response: { 200: Waiting({ ...owed, received_under: NullableString }) },
      },
    },
    async () => ({ object: "list" as const, data: await listWaitingRefundTransfers(services) }),
  );
}

function registerConfirm(operator: ApiServer, services: AdministrationServices): void {
  operator.post(
    TRANSFERS,
    {
      schema: {
        operationId: "confirmTransfer",
        tags,
        summary: "Confirm that a transfer has arrived",
        description:
          "Answers the approval that it went by: carried out at once, or pending above the limit of bank_transfer.confirm. Only the exact amount confirms a payment.",
        body: ConfirmBody,
        response: { 200: ApprovalObject, 201: ApprovalObject },
      },
    },
    async (request, reply) => {
      const { approval: own } = services;
      const given = toConfirmation(services, request.body);
      const result = await makeOnce(services, { request, reply, object_type: "approval" }, async (tx) => {
        const { approval, committed } = await requestConfirmation(tx, services, given, request.operator.user_id);
        return { id: approval.id, committed };
      });
      const isMade = "made" in result;
      const id = isMade ? result.made.id : result.replayed;
      if (isMade) {
        result.made.committed();
        await carryOutApproval(own, id);
      }
      const [shown] = await presentApprovals(own, [(await loadApproval(own.db, id))!]);
      return reply.code(isMade ? 201 : 200).send(shown!);
    },
  );
}

function toConfirmation({ clock }: AdministrationServices, body: Static<typeof ConfirmBody>) {
  const { number, amount, currency, bank_reference, received_at, reason } = body;
  const booked_at = bookedAt(clock.now(), received_at);
  return { number, amount: { amount: BigInt(amount), currency }, bank_reference, booked_at, reason };
}

/** Nothing was booked later than now. */
const bookedAt = (now: number, text: string | undefined) => Math.min(now, text === undefined ? now : Date.parse(text));

function registerReject(operator: ApiServer, services: AdministrationServices): void {
  const Rejected = Type.Object({ payment: Type.String(), status: Type.String(), serial_no: Type.String() });
  operator.post(
    `${TRANSFERS}/reject`,
    {
      schema: {
        operationId: "rejectTransfer",
        tags,
        summary: "Say that a transfer does not arrive",
        description: "The merchant reads the reason. Money that arrives later can still be confirmed.",
        body: Type.Object({ number: GivenNumber, reason: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 200: Rejected },
      },
    },
    async ({ body }) => {
      const { payment, attempt } = await rejectTransfer(services, body);
      return { payment: publicId("payment", payment.id), status: payment.status, serial_no: attempt.serial_no };
    },
  );
}

const EndedRefund = Type.Object({
  id: Type.String(),
  object: Type.Literal("refund"),
  refund_no: Type.String(),
  status: Type.String(),
  channel_refund_no: NullableString,
});

function presentEnded(refund: { id: string; refund_no: string; status: string; channel_refund_no: string | null }) {
  const { id, refund_no, status, channel_refund_no } = refund;
  return { id: publicId("refund", id), object: "refund" as const, refund_no, status, channel_refund_no };
}

function registerEndRefunds(operator: ApiServer, services: AdministrationServices): void {
  const { clock } = services;
  operator.post(
    REFUNDS,
    {
      schema: {
        operationId: "confirmRefundTransfer",
        tags,
        summary: "Say that a refund was sent at the bank",
        body: Type.Object({ number: GivenNumber, bank_reference: BankReference, sent_at: BookedAt }),
        response: { 200: EndedRefund },
      },
    },
    async ({ body: { number, bank_reference, sent_at } }) => {
      const booked_at = bookedAt(clock.now(), sent_at);
      return presentEnded(await endRefund(services, { number, bank_reference, booked_at }));
    },
  );
  operator.post(
    `${REFUNDS}/fail`,
    {
      schema: {
        operationId: "failRefundTransfer",
        tags,
        summary: "Say that a refund cannot be sent",
        body: Type.Object({ number: GivenNumber, reason: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 200: EndedRefund },
      },
    },
    async ({ body }) => presentEnded(await endRefund(services, { ...body, booked_at: clock.now() })),
  );
}

function registerRedirect(operator: ApiServer, services: AdministrationServices): void {
  const Card = Type.Object(
    {
      bank: Type.String({ minLength: 1, maxLength: 64, description: "The channel's code, such as ICBC_DEBIT." }),
      account: Type.String({ minLength: 1, maxLength: 64 }),
      name: Type.String({ minLength: 1, maxLength: 64 }),
    },
    { description: "The payer's card. Without it the money goes to the merchant's own bank account." },
  );
  operator.post(
    "/operator/v1/refunds/:id/redirect",
    {
      schema: {
        operationId: "redirectRefund",
        tags: ["Operator: refunds"],
        summary: "Send a refund another way",
        description: "One that the payer's account did not take. Repeating it is safe: the channel is asked first.",
        params: IdParams,
        body: Type.Object({ card: Type.Optional(Card), reason: Reason }),
        response: { 200: EndedRefund },
      },
    },
    async ({ params, body: { card } }) =>
      presentEnded(
        await redirectRefund(services.refund, params.id, card ? { kind: "card", ...card } : { kind: "merchant" }),
      ),
  );
}
