// A user's message: verify, scan if that fails, repair the row, post. Never posted again if it may have been sent.

import { ask, holds, post } from "./instances.mjs";
import * as log from "./log.mjs";
import * as rows from "./rows.mjs";
import { configured, settings } from "./settings.mjs";

const MOST_POSTS = 4;
const MOST_ROUNDS = 10; // the row may be moved by others again and again

export class Failure extends Error {
  constructor(status, code, sentence) {
    super(sentence);
    Object.assign(this, { status, code });
  }
}

export async function send(id, message) {
  const account = rows.get(id);
  if (!account?.session_id) throw new Failure(404, "account_not_found", "There is no such account.");
  const trip = { sessionId: account.session_id, refused: new Set(), reported: false };
  for (let round = 0, posts = 0; round < MOST_ROUNDS && posts < MOST_POSTS; round++) {
    const instance = await locate(id, trip);
    if (instance === null) continue; // somebody else moved the row meanwhile: look again
    posts++;
    const { workspace_id, session_id } = account;
    const { outcome, messageId, status } = await post(instance, { workspace_id, session_id, ...message });
    if (outcome === "sent") return { message_id: messageId, instance_url: instance };
    if (outcome === "refused") throw new Failure(502, "rejected_by_instance", `The instance refused it with ${status}.`);
    if (outcome === "unknown") throw new Failure(504, "delivery_unknown", "It may have been sent: the answer was lost.");
    trip.refused.add(instance);
  }
  throw new Failure(409, "session_not_found", "The session was not found in any instance.");
}

/** Return the instance that holds the session now, or null if the row changed meanwhile. */
async function locate(id, trip) {
  const { sessionId, refused } = trip;
  const row = rows.get(id);
  if (!row) throw new Failure(404, "account_not_found", "There is no such account.");
  const view = rows.viewOf(id);
  const assigned = configured(row.assigned_instance_url);
  const own = assigned && !refused.has(assigned) ? await ask(assigned) : null;
  if (holds(own, sessionId)) {
    log.info("Session verified in assigned instance", { session_id: sessionId, instance_url: assigned });
    return assigned;
  }
  if (!trip.reported) {
    trip.reported = true;
    const fields = { session_id: sessionId, instance_url: row.assigned_instance_url };
    log.warning("Session not found in assigned instance, attempting sync...", fields);
  }
  const others = settings.instances.filter((one) => one !== assigned && !refused.has(one));
  const found = await scan(others, sessionId);
  if (found.holder === null) {
    const unasked = [...found.unasked, ...(assigned && !refused.has(assigned) && own === null ? [assigned] : [])];
    throw notFound(sessionId, unasked);
  }
  if (rows.get(id)?.assigned_instance_url === found.holder) return found.holder;
  if (!rows.move(id, view, found.holder, Date.now() / 1000)) return null;
  const fields = { session_id: sessionId, old_url: row.assigned_instance_url, new_url: found.holder };
  log.info("Instance sync successful! Database updated", fields);
  return found.holder;
}

/** Ask all at once; the first to answer that it holds the session is the holder. */
async function scan(instances, sessionId) {
  const asked = instances.map((one) => ask(one));
  const first = new Promise((resolve) => {
    instances.forEach((one, index) => asked[index].then((listed) => holds(listed, sessionId) && resolve(one)));
    Promise.all(asked).then(() => resolve(null));
  });
  const holder = await first;
  if (holder !== null) return { holder };
  const answers = await Promise.all(asked);
  return { holder, unasked: instances.filter((_, index) => answers[index] === null) };
}

function notFound(sessionId, unasked) {
  if (unasked.length === 0) {
    log.error("Session not found in any Node.js instance", { session_id: sessionId });
    return new Failure(409, "session_not_found", "The session was not found in any instance.");
  }
  log.error("Session could not be verified", { session_id: sessionId, unasked });
  return new Failure(503, "session_unverifiable", `The session could not be verified: ${unasked.length} instances gave no answer.`);
}
