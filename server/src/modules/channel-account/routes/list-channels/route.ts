import { Type } from "typebox";
import type { Channel } from "../../../../channels/contract.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentChannel } from "../../describe-channel.ts";

const Text = Type.Object({ zh: Type.String(), en: Type.String() });
const Choice = Type.Object({ value: Type.String(), label: Text });

const fieldShape = {
  name: Type.String(),
  label: Text,
  hint: Type.Optional(Text),
  secret: Type.Boolean({ description: "Sealed when saved, and never shown again." }),
  required: Type.Boolean(),
  input: Type.Optional(
    Type.String({ description: "text (when left out), file, files, choice, list or address: how a form asks for it." }),
  ),
  choices: Type.Optional(Type.Array(Choice)),
};

const Field = Type.Object({
  ...fieldShape,
  items: Type.Optional(Type.Array(Type.Object(fieldShape), { description: "Of a list: the fields of each item." })),
});

const ChannelObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("channel"),
  label: Text,
  methods: Type.Array(Type.String()),
  currencies: Type.Array(Type.String()),
  capabilities: Type.Array(Type.String(), { description: "What it can do besides paying, querying and refunding." }),
  refund_window_days: Type.Integer(),
  refunds_per_payment_max: Type.Integer(),
  fields: Type.Array(Field, { description: "What an account with it is made of, in the order of a form." }),
});

/** `GET /v1/channels`: what each channel offers and what an account with it is made of. The same for every caller. */
export function registerChannelRoutes(api: ApiServer, channels: Readonly<Record<string, Channel>>): void {
  api.get(
    "/v1/channels",
    {
      schema: {
        operationId: "listChannels",
        tags: ["Channels"],
        summary: "List the channels",
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(ChannelObject) }) },
      },
    },
    async () => ({ object: "list" as const, data: Object.values(channels).map(presentChannel) }),
  );
}
