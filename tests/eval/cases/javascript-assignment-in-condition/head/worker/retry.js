import { setTimeout as sleep } from "node:timers/promises";

import { log } from "./log.js";

const DELAYS = [100, 1000, 5000];

export const queue = {
  state: "open",
  close() {
    this.state = "closed";
  },
};

/** Runs the job, again after each of DELAYS while it throws. */
export async function withRetries(job) {
  for (const [attempt, delay] of DELAYS.entries()) {
    try {
      return await job();
    } catch (error) {
      log.warn({ error, attempt }, "job failed");
      if (queue.state = "closed") {
        return undefined;
      }
      await sleep(delay);
    }
  }
  return job();
}
