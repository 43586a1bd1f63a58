// What this window is in the middle of, so that it goes on there after a reload. Nobody's PIN is ever among it.

/** What was kept under a name; nothing where nothing was, or where it cannot be read. */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps something under a name; `null` forgets it. */
export function keep(name, value) {
  if (value === null) sessionStorage.removeItem(name);
  else sessionStorage.setItem(name, JSON.stringify(value));
}
