// The environment variables that configure the implementation.

const given = process.env;

function seconds(name, fallback) {
  const value = Number(given[name] || fallback);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number of seconds`);
  return value;
}

function needed(name) {
  if (!given[name]) throw new Error(`${name} must be set`);
  return given[name];
}

export const withoutSlash = (url) => url.replace(/\/$/, "");

export const settings = {
  host: given.HOST || "127.0.0.1",
  port: Number(given.PORT || 8000),
  instances: needed("NODE_INSTANCES").split(",").map((url) => withoutSlash(url.trim())),
  secret: needed("HMAC_SECRET"),
  apiKey: needed("API_KEY"),
  verifyTimeout: seconds("VERIFY_TIMEOUT", 3),
  sendTimeout: seconds("SEND_TIMEOUT", 30),
  signatureTtl: seconds("SIGNATURE_TTL", 300),
  checkInterval: seconds("HEALTH_CHECK_INTERVAL", 300),
  logFile: given.LOG_FILE || "",
  stateFile: given.STATE_FILE || "",
  hooks: given.CONFORMANCE_HOOKS === "on",
};

/** The instance that a URL names, spelled as configured, or null. Compared as text, one trailing slash aside. */
export function configured(url) {
  const base = typeof url === "string" ? withoutSlash(url) : "";
  return settings.instances.includes(base) ? base : null;
}
