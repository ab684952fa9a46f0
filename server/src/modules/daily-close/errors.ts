import { defineErrors } from "../../kit/error.ts";

export const dailyCloseErrors = defineErrors({
  "daily_close.not_found": {
    type: "not_found_error",
    status: 404,
    message:
      "There is no close of this day. Give it as YYYY-MM-DD; ask ten minutes after its end, and for days with bookings only.",
    retryable: false,
    outcome: "none",
  },
});
