import { defineErrors } from "../../kit/error.ts";

export const beneficiaryErrors = defineErrors({
  "beneficiary.not_found": {
    type: "not_found_error",
    status: 404,
    message:
      "There is no such beneficiary. Check the id, and that the key is of the beneficiary's mode (test or live).",
    retryable: false,
    outcome: "none",
  },
  "beneficiary.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "beneficiary.exists": {
    type: "conflict_error",
    status: 409,
    message: "This account is the beneficiary {id} already. Use that one, or change or delete it.",
    retryable: false,
    outcome: "none",
  },
  "beneficiary.wrong_status": {
    type: "conflict_error",
    status: 409,
    message: "The beneficiary is {status}, so that this cannot be done with it. Read it again and decide anew.",
    retryable: false,
    outcome: "none",
  },
  "beneficiary.version_changed": {
    type: "conflict_error",
    status: 409,
    message: "The beneficiary's account was changed meanwhile: its version is {version}. Look at it again.",
    retryable: false,
    outcome: "none",
  },
  "beneficiary.settings_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
