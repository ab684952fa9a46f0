/** What a channel offers and what its accounts are made of, as the API and the command line show it. */
import type { Channel, ConfigField } from "../../channels/contract.ts";

type Text = { zh: string; en: string };

export interface FieldView {
  name: string;
  label: Text;
  hint?: Text;
  secret: boolean;
  required: boolean;
  input?: string;
  choices?: { value: string; label: Text }[];
  /** Of a list: the fields of each item. */
  items?: FieldView[];
}

export interface ChannelView {
  id: string;
  object: "channel";
  label: Text;
  methods: string[];
  currencies: string[];
  /** What it can do besides paying, querying and refunding. */
  capabilities: string[];
  refund_window_days: number;
  refunds_per_payment_max: number;
  /** Every field of an account, in the order of a form. */
  fields: FieldView[];
}

const capabilities = ["close", "cancel", "identity", "sharing", "transfers", "bills"] as const;

/** Public facts only: they are the same for every account. */
export function presentChannel(channel: Channel): ChannelView {
  return {
    id: channel.id,
    object: "channel",
    label: channel.label,
    methods: Object.keys(channel.pay),
    currencies: [...channel.currencies],
    capabilities: capabilities.filter((name) => channel[name] !== undefined).map(toSnakeCase),
    refund_window_days: Math.floor(channel.limits.refund_window_ms / 86_400_000),
    refunds_per_payment_max: channel.limits.refunds_per_payment_max,
    fields: channel.fields.map(presentField),
  };
}

function presentField({ choices, items, ...field }: ConfigField): FieldView {
  return { ...field, ...(choices && { choices: [...choices] }), ...(items && { items: items.map(presentField) }) };
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
