import { Type } from "typebox";
import type { Channel, ChannelAccount, NoticeReply, NoticeResult } from "../../channels/contract.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { toCatalogueError } from "../../kit/http/error-answer.ts";
import { addressKey, createRateLimiter, type RateLimit, rateLimited } from "../../kit/http/rate-limit.ts";
import { recordRefundTransfer, recordTransfer } from "../bank-transfer/index.ts";
import { type DisputeServices, receiveDisputeNotice } from "../dispute/index.ts";
import { type PaymentServices, receiveAskNotice, receivePaymentNotice } from "../payment/index.ts";
import { type PayoutServices, receiveTransferNotice } from "../payout/index.ts";
import { type RefundServices, receiveRefundNotice } from "../refund/index.ts";

export interface NoticeServices {
  payment: PaymentServices;
  refund: RefundServices;
  dispute: DisputeServices;
  payout: PayoutServices;
}

export interface NoticeSettings {
  /** Refused notices per address; 20 at once and one a second unless given. */
  refusal_limit?: RateLimit | undefined;
}

const REFUSAL_LIMIT: RateLimit = { per_second: 1, burst: 20 };

const AccountParams = { channel: Type.String({ maxLength: 32 }), account: Type.String({ format: "uuid" }) };
const addresses = {
  "/notify/:channel/:account/:merchant": Type.Object({ ...AccountParams, merchant: Type.String({ format: "uuid" }) }),
  "/notify/:channel/:account": Type.Object(AccountParams),
};

const BODY_BYTES_MAX = 64 * 1024;

/**
 * `POST /notify/:channel/:account/:merchant`: no key, the channel's signature is the proof. A channel that has one address
 * for the whole account leaves the merchant out: its notices say whose order they are about. The body is kept as the exact
 * bytes that came, whatever their type, because the signature is over them. A notice is acknowledged only after
 * its facts are committed; anything else makes the channel tell again. An address whose notices were refused too often
 * is told to wait (429) before its body is read; only refused ones count, so a channel is never slowed down.
 */
export function registerNoticeRoutes(
  server: ApiServer,
  services: NoticeServices,
  { refusal_limit = REFUSAL_LIMIT }: NoticeSettings = {},
): void {
  const refusals = createRateLimiter(services.payment.clock, refusal_limit);
  server.register(async (scope) => {
    scope.addHook("onRequest", (request, _reply, done) => {
      const wait_ms = refusals.peek(addressKey(request.ip));
      if (wait_ms > 0) done(rateLimited(wait_ms));
      else done();
    });
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    for (const [path, params] of Object.entries(addresses)) {
      scope.post(path, { schema: { params, hide: true } }, async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const headers = request.headers as Record<string, string | undefined>;
        const { refused, ...answer } = await answerNotice(services, request.params as Address, { headers, body });
        if (refused) refusals.take(addressKey(request.ip));
        return reply.code(answer.status).headers(answer.headers).send(answer.body);
      });
    }
  });
}

interface Address {
  channel: string;
  account: string;
  merchant?: string;
}

/** `refused` tells that nothing showed that a channel of ours had sent it. */
async function answerNotice(
  services: NoticeServices,
  { channel: channel_id, account: account_id, merchant }: Address,
  notice: { headers: Record<string, string | undefined>; body: Buffer },
): Promise<NoticeReply & { refused?: true }> {
  const { payment: payments } = services;
  const channel = payments.getChannel(channel_id);
  const account = channel && (await payments.accounts.open(account_id));
  if (!channel || !account) return { status: 404, headers: {}, body: "", refused: true };
  const { channels, log } = payments;
  const result = await channels.readNotice(channel, account, notice);
  if (result.kind === "rejected") {
    log.warn({ channel: channel_id, channel_account: account_id, detail: result.detail }, "a notice was refused");
    return { ...channel.replyToNotice(false), refused: true };
  }
  try {
    return channel.replyToNotice(await takeNotice(services, { channel, account }, merchant, result));
  } catch (error) {
    log.error({ err: toCatalogueError(error), channel: channel_id }, "a notice could not be recorded");
    return channel.replyToNotice(false);
  }
}

type Taken = Exclude<NoticeResult, { kind: "rejected" }>;

async function takeNotice(
  services: NoticeServices,
  { channel, account }: { channel: Channel; account: ChannelAccount },
  addressed: string | undefined,
  result: Taken,
): Promise<boolean> {
  if (result.kind === "ignored") return true;
  // What the order itself carries is nearer to it than the address that somebody typed in at the channel.
  const merchant_id = isUuid(result.owner) ? result.owner : addressed;
  const taken = merchant_id
    ? await recordNotice(services, { channel, account }, merchant_id, result)
    : "unknown_number";
  if (taken === "unknown_number") {
    services.payment.log.error(
      { channel: channel.id, channel_account: account.id },
      "a signed notice is about no order of ours",
    );
  }
  return taken === "recorded";
}

function recordNotice(
  services: NoticeServices,
  opened: { channel: Channel; account: ChannelAccount },
  merchant_id: string,
  result: Exclude<Taken, { kind: "ignored" }>,
): Promise<"recorded" | "unknown_number" | "integrity"> {
  const account_id = opened.account.id;
  switch (result.kind) {
    case "payment_succeeded":
      if (opened.channel.statements) return recordTransfer(services, merchant_id, opened, result.payment);
      return receivePaymentNotice(services.payment, merchant_id, opened, result.payment);
    case "refund":
      if (opened.channel.statements) {
        return recordRefundTransfer(services, merchant_id, account_id, result.refund, result.outcome);
      }
      return receiveRefundNotice(services.refund, merchant_id, account_id, result.refund, result.outcome);
    case "ask":
      return receiveAskNotice(services.payment, merchant_id, account_id, result.serial_no);
    case "ask_transfer":
      return receiveTransferNotice(services.payout, merchant_id, account_id, result.transfer_no);
    case "dispute":
      return receiveDisputeNotice(services.dispute, merchant_id, account_id, result.dispute);
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isUuid(text: string | undefined): text is string {
  return text !== undefined && UUID.test(text);
}
