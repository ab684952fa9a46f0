import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";
import type { PaymentServices } from "../payment/index.ts";
import type { RefundServices } from "../refund/index.ts";
import type { ReserveServices } from "../reserve/index.ts";
import type { SettlementServices } from "../settlement/index.ts";

/** What these routes need of the modules below. */
export interface AdministrationServices {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly random: Random;
  readonly approval: ApprovalServices;
  readonly payment: PaymentServices;
  readonly refund: RefundServices;
  readonly reserve: ReserveServices;
  readonly settlement: SettlementServices;
}
