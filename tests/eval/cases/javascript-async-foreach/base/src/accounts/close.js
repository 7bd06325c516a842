import { deleteAccount, listProjects } from "./store.js";
import { notify } from "../mail/notify.js";

export class CloseError extends Error {
  constructor(message, account) {
    super(message);
    this.name = "CloseError";
    this.account = account;
  }
}

/** Closes an account for good. Throws CloseError if it still owes money. */
export async function closeAccount(account, { now = new Date() } = {}) {
  if (account.balance < 0) {
    throw new CloseError("The account still owes money.", account.id);
  }
  const projects = await listProjects(account.id);
  if (projects.length > 0) {
    throw new CloseError("Delete your projects first.", account.id);
  }
  await deleteAccount(account.id);
  await notify(account.email, "closed", { at: now.toISOString() });
}
