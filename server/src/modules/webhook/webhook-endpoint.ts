/** An endpoint: an address of an app, in one of its two books, that is told of events. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";

export type EndpointStatus = "enabled" | "disabled";

/** An endpoint as it is stored. */
export interface WebhookEndpoint {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  url: string;
  description: string | null;
  /** Empty means all. */
  event_types: string[];
  status: EndpointStatus;
  /** Why it was disabled: by its owner (null) or by an answer of its own. */
  disabled_reason: string | null;
  secret_sealed: Buffer;
  previous_secret_sealed: Buffer | null;
  /** Epoch milliseconds until which the previous secret signs too. */
  previous_secret_until: number | null;
  created_at: number;
}

/** An endpoint as the API shows it. */
export interface EndpointView {
  id: string;
  object: "webhook_endpoint";
  livemode: boolean;
  url: string;
  description: string | null;
  event_types: string[];
  status: EndpointStatus;
  disabled_reason: string | null;
  previous_secret_until: string | null;
  created_at: string;
  /** Only in the answer to its creation and to a rotation. */
  secret?: string;
}

/** Binds a sealed secret to its row. */
export function endpointSecretContext(endpoint_id: string): string {
  return `webhook_endpoint:${endpoint_id}`;
}

/** The endpoint as the API shows it. Secrets are added only by what makes one. */
export function presentEndpoint(endpoint: WebhookEndpoint): EndpointView {
  return {
    id: publicId("webhook_endpoint", endpoint.id),
    object: "webhook_endpoint",
    livemode: endpoint.livemode,
    url: endpoint.url,
    description: endpoint.description,
    event_types: endpoint.event_types,
    status: endpoint.status,
    disabled_reason: endpoint.disabled_reason,
    previous_secret_until: endpoint.previous_secret_until === null ? null : toRfc3339(endpoint.previous_secret_until),
    created_at: toRfc3339(endpoint.created_at),
  };
}
