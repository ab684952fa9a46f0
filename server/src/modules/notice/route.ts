import { Type } from "typebox";
import type { ChannelAccount, NoticeReply, NoticeResult } from "../../channels/contract.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { toCatalogueError } from "../../kit/http/error-answer.ts";
import { addressKey, createRateLimiter, type RateLimit, rateLimited } from "../../kit/http/rate-limit.ts";
import { type PaymentServices, receivePaymentNotice } from "../payment/index.ts";
import { type RefundServices, receiveRefundNotice } from "../refund/index.ts";

export interface NoticeServices {
  payment: PaymentServices;
  refund: RefundServices;
}

export interface NoticeSettings {
  /** Refused notices per address; 20 at once and one a second unless given. */
  refusal_limit?: RateLimit | undefined;
}

const REFUSAL_LIMIT: RateLimit = { per_second: 1, burst: 20 };

const Params = Type.Object({
  channel: Type.String({ maxLength: 32 }),
  account: Type.String({ format: "uuid" }),
  merchant: Type.String({ format: "uuid" }),
});

const BODY_BYTES_MAX = 64 * 1024;

/**
 * `POST /notify/:channel/:account/:merchant`: no key, the channel's signature is the proof. The body is kept as the
 * exact bytes that came, whatever their type, because the signature is over them. A notice is acknowledged only after
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
    scope.post(
      "/notify/:channel/:account/:merchant",
      { schema: { params: Params, hide: true } },
      async (request, reply) => {
        const { channel: channel_id, account: account_id, merchant } = request.params as Record<string, string>;
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const headers = request.headers as Record<string, string | undefined>;
        const { refused, ...answer } = await answerNotice(services, channel_id!, account_id!, merchant!, {
          headers,
          body,
        });
        if (refused) refusals.take(addressKey(request.ip));
        return reply.code(answer.status).headers(answer.headers).send(answer.body);
      },
    );
  });
}

/** `refused` tells that nothing showed that a channel of ours had sent it. */
async function answerNotice(
  services: NoticeServices,
  channel_id: string,
  account_id: string,
  merchant_id: string,
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
    return channel.replyToNotice(await takeNotice(services, channel_id, account, merchant_id, result));
  } catch (error) {
    log.error({ err: toCatalogueError(error), channel: channel_id }, "a notice could not be recorded");
    return channel.replyToNotice(false);
  }
}

async function takeNotice(
  services: NoticeServices,
  channel_id: string,
  account: ChannelAccount,
  merchant_id: string,
  result: Exclude<NoticeResult, { kind: "rejected" }>,
): Promise<boolean> {
  const { payment: payments } = services;
  if (result.kind === "ignored") return true;
  const channel = payments.getChannel(channel_id)!;
  if (result.kind === "ask" || result.kind === "dispute") return false;
  const taken =
    result.kind === "payment_succeeded"
      ? await receivePaymentNotice(payments, merchant_id, { channel, account }, result.payment)
      : await receiveRefundNotice(services.refund, merchant_id, account.id, result.refund, result.outcome);
  if (taken === "unknown_number") {
    payments.log.error(
      { channel: channel_id, channel_account: account.id },
      "a signed notice is about no order of ours",
    );
  }
  return taken === "recorded";
}
