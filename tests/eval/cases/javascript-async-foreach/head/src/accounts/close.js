import { deleteAccount, listProjects } from "./store.js";
import { notify } from "../mail/notify.js";
import { archiveProject } from "../archive/archive.js";

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
  const until = new Date(now.getTime() + 30 * 24 * 3600 * 1000);
  projects.forEach(async (project) => {
    await archiveProject(project, { until });
  });
  await deleteAccount(account.id);
  await notify(account.email, "closed", { at: now.toISOString() });
}
