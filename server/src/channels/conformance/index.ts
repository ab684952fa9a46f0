/**
 * The suite that every channel must pass: its adapter and the real caller against the channel's simulator over HTTP. A
 * channel's `…conformance.test.ts` says how to start and provision the simulator and where the channel rightly differs.
 */
import { describe } from "vitest";
import { describeAccounts } from "./accounts.ts";
import { describeBarcodes } from "./barcodes.ts";
import { describeBills } from "./bills.ts";
import { describeConfiguration } from "./configuration.ts";
import { recordCoverage } from "./coverage.ts";
import { describeHostility } from "./hostility.ts";
import { describeNotices } from "./notices.ts";
import { describePayments } from "./payments.ts";
import { describeRefunds } from "./refunds.ts";
import { type ConformanceSubject, useWorld } from "./subject.ts";

export { describeCoverage } from "./coverage.ts";
export type { ConformanceSubject } from "./subject.ts";

export function describeChannelConformance(subject: ConformanceSubject): void {
  recordCoverage(subject.title);
  describe(subject.title, () => {
    const world = useWorld(subject);
    describeAccounts(subject, world);
    describeConfiguration(subject, world);
    describePayments(subject, world);
    describeRefunds(subject, world);
    describeNotices(subject, world);
    describeHostility(subject, world);
    if (subject.facts.bills) describeBills(subject, world, subject.facts.bills);
    if (subject.facts.barcode) describeBarcodes(subject, world, subject.facts.barcode);
  });
}
