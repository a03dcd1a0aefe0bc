// A control plane in plain Node.js, written from the contract alone: routes, and what guards them.

import http from "node:http";
import { check } from "./check.mjs";
import * as log from "./log.mjs";
import * as rows from "./rows.mjs";
import { Failure, send } from "./sends.mjs";
import { settings } from "./settings.mjs";
import { forget, receive } from "./webhooks.mjs";

const LARGEST_BODY = 32 * 1024 * 1024; // gateways put photographs into their events
const HOOK = "/conformance/accounts";

class TooLarge extends Error {}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    if ((size += chunk.length) > LARGEST_BODY) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function object(body) {
  try {
    const value = JSON.parse(body.toString("utf8") || "{}");
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function messageOf(body) {
  const { recipient_phone, message, type = "text" } = object(body) ?? {};
  const good = [recipient_phone, message, type].every((one) => typeof one === "string" && one.trim());
  if (!good) throw new Failure(422, "invalid_message", "recipient_phone and message must be texts that are not empty.");
  return { recipient_phone, message, type };
}

async function answer(request, path) {
  const route = `${request.method} ${path}`;
  const account = /^POST \/api\/accounts\/([0-9]{1,15})\/messages$/.exec(route);
  const hook = settings.hooks && /^(PUT|GET) \/conformance\/accounts\/([0-9]{1,15})$/.exec(route);
  if (route === "GET /health") return [200, { status: "ok", pid: process.pid }];
  if (route === "POST /api/whatsapp/webhooks/webjs") {
    const [status, message] = await receive(request.headers, await read(request));
    return [status, { message }];
  }
  if (account) return [200, { success: true, ...(await send(Number(account[1]), messageOf(await read(request)))) }];
  if (route === "POST /api/health-check") {
    const { dry_run = false } = object(await read(request)) ?? { dry_run: null };
    if (typeof dry_run !== "boolean") throw new Failure(422, "invalid_request", "dry_run must be true or false.");
    return [200, await check(dry_run)];
  }
  if (hook && hook[1] === "PUT") {
    rows.put(Number(hook[2]), object(await read(request)));
    return [200, {}];
  }
  if (hook) return rows.get(Number(hook[2])) ? [200, rows.get(Number(hook[2]))] : [404, {}];
  if (settings.hooks && route === `DELETE ${HOOK}`) {
    rows.clear();
    forget();
    return [200, {}];
  }
  throw new Failure(404, "not_found", "There is no such route.");
}

async function serve(request, response) {
  let status, told;
  try {
    [status, told] = await answer(request, request.url.split("?")[0]);
  } catch (problem) {
    const large = problem instanceof TooLarge && new Failure(413, "too_large", "The body is too large.");
    const failure = large || (problem instanceof Failure ? problem : new Failure(500, "unexpected_error", "Unexpected."));
    if (failure.status === 500) log.error("Unexpected error", { name: problem.name, stack: problem.stack });
    [status, told] = [failure.status, { success: false, error: failure.message, code: failure.code }];
    if (large) response.setHeader("Connection", "close");
  }
  const body = JSON.stringify(told);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

process.on("SIGTERM", () => process.exit(0));
http.createServer(serve).listen(settings.port, settings.host);
if (settings.checkInterval) {
  const again = () => setTimeout(() => check(false).catch(() => {}).then(again), settings.checkInterval * 1000);
  again();
}
