// The health check: every instance is asked once, whatever the number of accounts.

import { ask, holds } from "./instances.mjs";
import * as log from "./log.mjs";
import * as rows from "./rows.mjs";
import { configured, settings } from "./settings.mjs";

export async function check(dryRun) {
  const accounts = rows.all().filter((row) => row.session_id);
  const views = new Map(accounts.map((row) => [row.id, rows.viewOf(row.id)]));
  const answers = await Promise.all(settings.instances.map((one) => ask(one)));
  const listed = new Map(settings.instances.map((one, index) => [one, answers[index]]));
  const report = { checked: 0, verified: 0, updated: 0, failed: 0, unreachable: 0, changes: [] };
  for (const seen of accounts) {
    const row = rows.get(seen.id);
    if (!row) continue; // removed meanwhile
    report.checked++;
    const assigned = configured(row.assigned_instance_url);
    const own = assigned ? listed.get(assigned) : undefined;
    // If there was news while the instances were asked, the row knows better.
    if (rows.viewOf(row.id) !== views.get(row.id) || holds(own, row.session_id)) {
      report.verified++;
      continue;
    }
    const holder = settings.instances.find((one) => holds(listed.get(one), row.session_id));
    if (holder === undefined) {
      report[own === null ? "unreachable" : "failed"]++;
      continue;
    }
    const fields = { account_id: row.id, old_url: row.assigned_instance_url, new_url: holder };
    report.updated++;
    report.changes.push(fields);
    if (dryRun) continue;
    rows.move(row.id, views.get(row.id), holder, Date.now() / 1000);
    log.info("Health check corrected instance URL", fields);
  }
  return report;
}
