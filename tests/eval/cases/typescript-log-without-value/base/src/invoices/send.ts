import type { Logger } from "pino";

import type { Invoice } from "./invoice";
import type { Mailer } from "../mail/mailer";

export interface Result {
  sent: number;
  failed: number;
}

/** Sends all invoices; one that fails does not stop the others. */
export async function sendAll(
  invoices: readonly Invoice[],
  mailer: Mailer,
  log: Logger,
): Promise<Result> {
  const result: Result = { sent: 0, failed: 0 };
  for (const invoice of invoices) {
    try {
      await mailer.send(invoice.customer.email, "invoice", { invoice });
      result.sent += 1;
    } catch (error) {
      result.failed += 1;
      log.error(error, "could not send");
    }
  }
  return result;
}
