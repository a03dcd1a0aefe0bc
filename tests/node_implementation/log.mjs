// One event a line: its text, then a JSON object with its fields.

import { appendFileSync } from "node:fs";
import { settings } from "./settings.mjs";

function write(level, text, fields) {
  // A text from outside may quote a secret.
  const shown = [settings.secret, settings.apiKey].reduce(
    (told, one) => told.replaceAll(one, "[secret]").replaceAll(encodeURIComponent(one), "[secret]"),
    JSON.stringify(fields),
  );
  const line = `[${new Date().toISOString()}] node.${level}: ${text} ${shown}\n`;
  if (settings.logFile) appendFileSync(settings.logFile, line);
  else process.stderr.write(line);
}

export const info = (text, fields) => write("INFO", text, fields);
export const warning = (text, fields) => write("WARNING", text, fields);
export const error = (text, fields) => write("ERROR", text, fields);

/** Somebody else's URL, made safe to log: short, on one line, without the spaces of sentences, its secrets left out. */
export const safe = (url) =>
  url
    .slice(0, 200)
    .replace(/[^\x21-\x7e]/g, "?")
    .replace(/\/\/[^/?#]*@/, "//[redacted]@")
    .replace(/\?[^#]+/, "?[redacted]");
