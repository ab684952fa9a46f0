/** Events and webhooks: the only door of this module. */
export { type EventType, type EventView, eventTypes, type NewEvent, presentEvent, type StoredEvent } from "./event.ts";
export { recordEvents } from "./record-events.ts";
