// Signed webhooks. The signature does not cover X-Instance-Url: the instance that it names is asked first.

import { createHmac, timingSafeEqual } from "node:crypto";
import { ask, holds } from "./instances.mjs";
import * as log from "./log.mjs";
import * as rows from "./rows.mjs";
import { configured, settings, withoutSlash } from "./settings.mjs";

const LOCATED = new Set(["session_ready", "session_reconnected"]);
const LARGEST_LOCATION = 1024 * 1024;
const MOST_TRIES = 5;
const seen = new Map();

export const forget = () => seen.clear();

function authentic(headers, body) {
  const signature = headers["x-hmac-signature"] ?? "";
  const timestamp = headers["x-timestamp"] ?? "";
  if (!/^[0-9a-f]{64}$/.test(signature) || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > settings.signatureTtl) return false;
  const wanted = createHmac("sha256", settings.secret).update(timestamp).update(body).digest();
  return timingSafeEqual(wanted, Buffer.from(signature, "hex"));
}

function parse(body) {
  try {
    const { event, data } = JSON.parse(body.toString("utf8")) ?? {};
    // Where no workspace is named, none is compared.
    const workspace = data?.workspace_id ?? null;
    const good =
      typeof event === "string" &&
      typeof data?.session_id === "string" &&
      (workspace === null || Number.isInteger(workspace));
    return good ? { event, data } : null;
  } catch {
    return null;
  }
}

/** Process a webhook, and give the status and the words to answer. */
export async function receive(headers, body) {
  if (!authentic(headers, body)) return [401, "The signature or the timestamp is not valid."];
  const webhook = parse(body);
  if (webhook === null) return [422, "The body is no webhook."];
  const carriesLocation = LOCATED.has(webhook.event);
  if (carriesLocation && body.length > LARGEST_LOCATION) return [413, "The body is too large."];
  const row = rows.bySession(webhook.data.session_id);
  const workspace = webhook.data.workspace_id ?? row?.workspace_id;
  if (!row || row.workspace_id !== workspace) return [404, "There is no such session."];
  const at = Number(headers["x-timestamp"]);
  const claim = headers["x-instance-url"] || null;
  if (carriesLocation) await located(row, webhook.data, claim, at, headers["x-hmac-signature"]);
  else if (webhook.event === "session_disconnected") disconnected(row, claim, at);
  return [200, "Processed."];
}

function disconnected(row, claim, at) {
  const assigned = configured(row.assigned_instance_url);
  if (assigned && configured(claim) === assigned && at >= rows.newestOf(row.id)) rows.change(row.id, { status: "disconnected" });
}

async function located(account, data, claim, at, signature) {
  const changes = { status: "connected" };
  if (typeof data.phone_number === "string" && data.phone_number) changes.phone_number = data.phone_number;
  const replayed = isReplay(signature, claim);
  for (let tries = 0; claim !== null && tries < MOST_TRIES; tries++) {
    const row = rows.get(account.id);
    if (!row) return;
    const view = rows.viewOf(row.id);
    const doubtful = replayed || at < rows.newestOf(row.id);
    const { url, reason } = await judge(row, claim, doubtful);
    if (!rows.get(row.id)) return;
    if (rows.viewOf(row.id) !== view) continue; // the row moved while instances were asked
    if (reason) {
      log.warning("Rejected X-Instance-Url", { session_id: row.session_id, claimed_url: log.safe(claim), reason });
      if (doubtful) return; // late or replayed, and so is the rest of it
    } else if (url === null) {
      // A sender's clock that is ahead must not make what comes next look late.
      if (!doubtful) rows.heard(row.id, Math.min(at, Date.now() / 1000));
    } else {
      rows.move(row.id, view, url, Math.min(at, Date.now() / 1000), changes);
      const fields = { session_id: row.session_id, old_url: row.assigned_instance_url, new_url: url };
      log.info("Auto-syncing assigned_instance_url from webhook header", fields);
      return;
    }
    break;
  }
  rows.change(account.id, changes);
}

/** Give where the row belongs by this claim, a null URL where it is there already, or the reason not to believe it. */
async function judge(row, claim, doubtful) {
  const claimed = configured(claim);
  if (claimed === null) return { reason: "it is none of the configured instances" };
  if (row.assigned_instance_url && withoutSlash(row.assigned_instance_url) === claimed) return { url: null };
  const assigned = configured(row.assigned_instance_url);
  const [there, here] = await Promise.all([ask(claimed), doubtful && assigned ? ask(assigned) : null]);
  if (!holds(there, row.session_id)) return { reason: there === null ? "it gave no answer" : "it does not hold the session" };
  if (doubtful && assigned && (here === null || holds(here, row.session_id))) {
    return { reason: "it is late or repeated, and the assigned instance may hold the session" };
  }
  return { url: claimed };
}

/** Say whether these signed bytes came before, with whatever claim. Remembered for as long as they can be valid. */
function isReplay(signature, claim) {
  const now = Date.now() / 1000;
  for (const [old, { at }] of seen) {
    if (at > now - 2 * settings.signatureTtl) break;
    seen.delete(old);
  }
  const before = seen.get(signature);
  if (before === undefined) seen.set(signature, { at: now, claim });
  return before !== undefined && before.claim !== claim;
}
