// Calls to the gateway instances: each on its own connection, with one deadline for the whole call.

import http from "node:http";
import https from "node:https";
import { settings } from "./settings.mjs";

const LARGEST_ANSWER = 64 * 1024 * 1024;
const SHARED_FOR = 50; // milliseconds between two questions to one instance while the first is still open

/** Call an instance. Resolves to { status, body }, or to { connected } where no whole answer came in time. */
function call(url, { method = "GET", body, timeout }) {
  return new Promise((resolve) => {
    let connected = false;
    const target = new URL(url);
    const request = (target.protocol === "https:" ? https : http).request(target, {
      method,
      agent: false, // so that "no connection was made" is certain
      headers: body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) },
    });
    const deadline = setTimeout(() => finish({ connected }), timeout * 1000);
    function finish(outcome) {
      clearTimeout(deadline);
      request.destroy();
      resolve(outcome);
    }
    request.on("socket", (socket) => socket.once("connect", () => (connected = true)));
    request.on("error", () => finish({ connected }));
    request.on("response", (response) => {
      const chunks = [];
      let size = 0;
      response.on("data", (chunk) => {
        chunks.push(chunk);
        if ((size += chunk.length) > LARGEST_ANSWER) finish({ connected });
      });
      response.on("error", () => finish({ connected }));
      response.on("aborted", () => finish({ connected }));
      response.on("end", () => finish({ connected, status: response.statusCode, body: Buffer.concat(chunks).toString() }));
    });
    request.end(body);
  });
}

function object(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Ask an instance who it holds: a map of statuses by session id, or null without an answer that can be used. */
async function list(instance) {
  const url = `${instance}/api/sessions?api_key=${encodeURIComponent(settings.apiKey)}`;
  const { status, body } = await call(url, { timeout: settings.verifyTimeout });
  const told = status === 200 ? object(body)?.sessions : null;
  if (!Array.isArray(told) || !told.every((one) => typeof one?.session_id === "string")) return null;
  return new Map(told.map((one) => [one.session_id, one.status]));
}

const open = new Map();

/** As `list`, shared by all who ask before the question goes out, and never with one that was asked earlier. */
export function ask(instance) {
  const { asked, next } = open.get(instance) ?? {};
  if (next) return next;
  const wait = asked ? asked + SHARED_FOR - Date.now() : 0;
  const question = new Promise((resolve) => (wait > 0 ? setTimeout(resolve, wait) : resolve())).then(() => {
    const state = { asked: Date.now(), next: null };
    open.set(instance, state);
    return list(instance).finally(() => open.get(instance) === state && open.delete(instance));
  });
  open.set(instance, { asked, next: question });
  return question;
}

export const holds = (listed, sessionId) => listed?.get(sessionId) === "connected";

/** Hand a message to an instance; `outcome` is sent, refused, elsewhere (another may have it), or unknown. */
export async function post(instance, message) {
  const body = JSON.stringify({ ...message, api_key: settings.apiKey });
  const url = `${instance}/api/messages/send`;
  const answer = await call(url, { method: "POST", body, timeout: settings.sendTimeout });
  const told = object(answer.body ?? "");
  if (answer.status === undefined) return { outcome: answer.connected ? "unknown" : "elsewhere" };
  if (answer.status === 404) return { outcome: "elsewhere" };
  if (answer.status === 400 && /^session not connected/i.test(told?.error ?? "")) return { outcome: "elsewhere" };
  if (answer.status === 200 && told?.success === true) return { outcome: "sent", messageId: told.message_id ?? null };
  if (answer.status === 200 && told?.success !== false) return { outcome: "unknown" };
  return { outcome: answer.status >= 500 ? "unknown" : "refused", status: answer.status };
}
