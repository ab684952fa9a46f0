import { Type } from "typebox";
import type { Method } from "../../../../channels/contract.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { identifyPayer } from "../../identify-payer.ts";
import type { PaymentServices } from "../../services.ts";

const identified = ["wechat.mini", "wechat.jsapi", "alipay.jsapi", "unionpay.jsapi"] as const;

const IdentifyPayerBody = Type.Object({
  method: Type.Union(
    identified.map((method) => Type.Literal(method)),
    { description: "How the payer is going to pay." },
  ),
  code: Type.String({
    minLength: 1,
    maxLength: 512,
    description:
      "What the channel gave the payer's side: the code of `wx.login` for wechat.mini, that of the web authorization for the others. Good once, for minutes.",
  }),
});

const PayerIdentityObject = Type.Object({
  object: Type.Literal("payer_identity"),
  method: Type.String(),
  openid: Type.Optional(Type.String({ description: "For `payer.openid` of the payment." })),
  buyer_id: Type.Optional(Type.String({ description: "For `payer.buyer_id` of the payment." })),
  user_id: Type.Optional(Type.String({ description: "For `payer.user_id` of the payment." })),
});

/** `POST /v1/payer_identities`: a code of the channel for the payer's identity. Nothing is kept of either. */
export function registerIdentifyPayer(api: ApiServer, services: PaymentServices): void {
  api.post(
    "/v1/payer_identities",
    {
      schema: {
        operationId: "identifyPayer",
        tags: ["Payments"],
        summary: "Identify a payer",
        description:
          "Exchanges the code that a mini program's login or a web authorization gave for the payer's identity, which `payer` of a payment takes. The code is good once: after an error get a new one.",
        body: IdentifyPayerBody,
        response: { 200: PayerIdentityObject },
      },
    },
    async (request) => {
      const { method, code } = request.body;
      const identity = await identifyPayer(services, request.caller, { method: method as Method, code });
      return { object: "payer_identity" as const, method, ...identity };
    },
  );
}
