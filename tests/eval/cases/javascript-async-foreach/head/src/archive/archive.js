import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { exportProject } from "../projects/export.js";

/** Writes everything of a project to the archive folder; kept until the given date. */
export async function archiveProject(project, { until }) {
  const day = until.toISOString().slice(0, 10);
  const target = createWriteStream(`/srv/archive/${day}/${project.id}.json.gz`);
  await pipeline(exportProject(project), createGzip(), target);
}
