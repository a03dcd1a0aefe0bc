// The rows of whatsapp_accounts. A caller that has waited since it read a row writes only if nobody else did.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { settings } from "./settings.mjs";

const rows = new Map();
// By account: how often it was written or confirmed, and the newest moment (Unix seconds) known of its location.
const views = new Map();
let views_made = 0;

if (settings.stateFile) {
  try {
    for (const row of JSON.parse(readFileSync(settings.stateFile, "utf8"))) rows.set(row.id, row);
  } catch (problem) {
    if (problem.code !== "ENOENT") throw problem;
  }
}

function save() {
  if (!settings.stateFile) return;
  // Renamed into place: a process that is killed leaves the old rows or the new, never half of them.
  writeFileSync(`${settings.stateFile}.part`, JSON.stringify([...rows.values()]));
  renameSync(`${settings.stateFile}.part`, settings.stateFile);
}

export const all = () => [...rows.values()];
export const get = (id) => rows.get(id);
export const bySession = (sessionId) => all().find((row) => row.session_id === sessionId);
export const viewOf = (id) => views.get(id)?.number ?? 0;
export const newestOf = (id) => views.get(id)?.newest ?? 0;

/** Note that the location of a row was heard of, at a moment: older views of it count no more. */
export function heard(id, at) {
  views.set(id, { number: ++views_made, newest: Math.max(newestOf(id), at) });
}

export function change(id, changes) {
  const row = rows.get(id);
  if (!row) return;
  rows.set(id, { ...row, ...changes, updated_at: new Date().toISOString() });
  save();
}

/** Move a row, if nobody has since a view was taken; say whether it was moved. */
export function move(id, view, url, at, changes = {}) {
  if (!rows.has(id) || viewOf(id) !== view) return false;
  heard(id, at);
  change(id, { ...changes, assigned_instance_url: url });
  return true;
}

export function put(id, row) {
  rows.set(id, { ...row, id });
  views.set(id, { number: ++views_made, newest: 0 });
  save();
}

export function clear() {
  rows.clear();
  views.clear();
  save();
}
