import { inspect } from "node:util";

const HIDDEN = "[secret]";

/**
 * A value that must not be seen: a key, a password, a credential. Printing, logging, interpolating or serializing it
 * gives `[secret]`; only `reveal()` gives the value, so every use is visible in a review.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
