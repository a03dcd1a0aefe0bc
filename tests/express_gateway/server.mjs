// A small gateway in the shape that Express gives one, in a dialect of its own: routes by session name, a bearer token,
// states "pairing" and "online", webhooks that are not signed and say `node` for where they come from.
// MISTAKE builds in one of its known mistakes, for the tests.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const { HOST, PORT, TOKEN, WEBHOOKS, DATA, MISTAKE = "", RETRY_UNIT = "100" } = process.env;
const sessions = new Map();
const outbox = join(DATA, "outbox.jsonl");
const queue = []; // what a mistaken gateway has accepted and not yet written

// Routes, as Express has them: a method, a path with :parameters, a handler

const routes = [];
const route = (method, path, handler) => {
  const names = [...path.matchAll(/:(\w+)/g)].map((found) => found[1]);
  const pattern = new RegExp(`^${path.replace(/:\w+/g, "([^/]+)")}$`);
  routes.push({ method, names, pattern, handler });
};

const shown = ({ name, tenant, phone, state }) => ({ name, tenant, phone, state });
const unknown = (res) => res.json(404, { message: "No such session" });

route("GET", "/ping", (req, res) => res.json(200, { pong: true }));
route("GET", "/v1/sessions", (req, res) => res.json(200, { data: [...sessions.values()].map(shown) }));

route("GET", "/v1/sessions/:name", (req, res) => {
  const session = sessions.get(req.params.name);
  return session ? res.json(200, { data: shown(session) }) : unknown(res);
});

route("POST", "/v1/sessions", (req, res) => {
  const { name, tenant } = req.body;
  if (!name) return res.json(422, { message: "name is required" });
  if (!sessions.has(name)) sessions.set(name, { name, tenant, phone: null, state: "pairing" });
  return res.json(201, { data: shown(sessions.get(name)) });
});

// As if a phone had scanned the code: for conformance runs only.
route("POST", "/v1/sessions/:name/pair", (req, res) => {
  const session = sessions.get(req.params.name);
  if (!session) return unknown(res);
  session.phone = req.body.phone;
  goOnline(session, "paired", req);
  return res.json(202, {});
});

route("POST", "/v1/sessions/:name/restart", (req, res) => {
  const session = sessions.get(req.params.name);
  if (!session) return unknown(res);
  goOnline(session, "restarted", req);
  return res.json(202, {});
});

route("DELETE", "/v1/sessions/:name", (req, res) => {
  if (MISTAKE !== "lists-ended") sessions.delete(req.params.name);
  return res.json(200, {});
});

route("POST", "/v1/sessions/:name/messages", (req, res) => {
  const session = sessions.get(req.params.name);
  if (session?.state !== "online" && MISTAKE !== "sends-anyway") return unknown(res);
  const { to, text } = req.body;
  if (!to || !text) return res.json(422, { message: "to and text are required" });
  const line = JSON.stringify({ session: req.params.name, to, text });
  if (MISTAKE === "writes-later") queue.push(line);
  else appendFileSync(outbox, `${line}\n`);
  return res.json(202, { data: { id: `m${Date.now()}` } });
});

route("GET", "/v1/outbox", (req, res) => {
  const lines = existsSync(outbox) ? readFileSync(outbox, "utf8").split("\n").filter(Boolean) : [];
  return res.json(200, { data: lines.map((line) => JSON.parse(line)) });
});

if (MISTAKE === "writes-later") {
  setInterval(() => queue.splice(0, queue.length - 8 > 0 ? queue.length - 8 : 0)
    .forEach((line) => appendFileSync(outbox, `${line}\n`)), 20);
}

// Webhooks

const node = (req) => {
  if (MISTAKE === "believes-host") return `http://${req.headers.host}`;
  const own = `http://${HOST}:${PORT}`;
  if (MISTAKE !== "keeps-first-url") return own;
  const first = join(DATA, "url");
  if (!existsSync(first)) writeFileSync(first, own);
  return readFileSync(first, "utf8");
};

function goOnline(session, reason, req) {
  const online = () => { session.state = "online"; };
  if (MISTAKE !== "announces-early") online();
  else { session.state = "pairing"; setTimeout(online, 1000); }
  announce({ type: "session.online", reason, node: node(req), session: { ...shown(session), state: "online" } }, 1);
}

async function announce(event, attempt) {
  const again = () => {
    if (attempt < 4 && MISTAKE !== "tries-once") {
      setTimeout(() => announce(event, attempt + 1), Number(RETRY_UNIT) * 2 ** (attempt - 1));
    }
  };
  try {
    const answer = await fetch(`${WEBHOOKS}/hooks/gateway`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(5000),
    });
    await answer.arrayBuffer();
    if (answer.status === 429 || answer.status >= 500) again();
  } catch {
    again();
  }
}

// The server

async function bodyOf(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts).toString("utf8")) : {};
}

const server = createServer(async (req, res) => {
  res.json = (status, value) => {
    res.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
    res.end(JSON.stringify(value));
  };
  try {
    const path = req.url.split("?")[0];
    const found = routes.find((one) => one.method === req.method && one.pattern.test(path));
    if (!found) return res.json(404, { message: `Cannot ${req.method} ${path}` });
    if (path !== "/ping" && req.headers.authorization !== `Bearer ${TOKEN}`) {
      return res.json(401, { message: "Unauthorized" });
    }
    const values = found.pattern.exec(path).slice(1).map(decodeURIComponent);
    req.params = Object.fromEntries(found.names.map((name, index) => [name, values[index]]));
    req.body = await bodyOf(req);
    return found.handler(req, res);
  } catch (problem) {
    return res.json(400, { message: String(problem) });
  }
});

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(Number(PORT), HOST);
