// For the pages that show events: new ones come in without moving what is being read, the list is searched as one types,
// texts are copied, and a retry shows how far it is. Every page works without this.

const READING_MS = 5_000;
const TYPING_MS = 250;
const COPIED_MS = 2_000;
const POLL_MS = 1_000;
const announcer = document.getElementById("announcer");
const list = document.getElementById("events");
const form = document.querySelector("form.find");

for (const one of document.querySelectorAll("[data-unscripted]")) one.hidden = true;

// What a person opened or closed stays so when a part of the page is exchanged.
document.addEventListener("fresh", ({ target, detail }) => {
  for (const details of target.querySelectorAll("details[id]")) {
    const same = detail.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  showCopyButtons(detail);
}, true);

/* Copying. */

function showCopyButtons(part) {
  for (const button of part.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const isCopied = await navigator.clipboard?.writeText(source.textContent).then(() => true, () => false);
  if (!isCopied && !copySelected(source)) return;
  button.dataset.label ??= button.textContent;
  announcer.textContent = button.textContent = button.dataset.copied;
  setTimeout(() => button.textContent = button.dataset.label, COPIED_MS);
}

/** The way where the address is neither HTTPS nor this machine: browsers keep the clipboard from such pages. */
function copySelected(source) {
  getSelection().selectAllChildren(source);
  const isCopied = document.execCommand("copy");
  if (isCopied) getSelection().removeAllRanges();
  return isCopied;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy]");
  if (button) copy(button);
});
showCopyButtons(document);

/* New events. */

/** What the list is to become when nobody reads it any more. */
let waiting;
let movedAt = -Infinity;
let settling;

function isReading() {
  const selection = getSelection();
  return list.contains(document.activeElement) || (!selection.isCollapsed && list.contains(selection.anchorNode)) ||
    list.getBoundingClientRect().top < 0 || performance.now() - movedAt < READING_MS;
}

/** Rows by the address of their event; an event with several rows has one key for each. */
function rowsOf(part) {
  const rows = new Map();
  for (const row of part.querySelectorAll("tbody tr")) {
    let key = row.querySelector("a").href;
    while (rows.has(key)) key += "+";
    rows.set(key, row);
  }
  return rows;
}

function show(fresh) {
  const [old, rows] = [rowsOf(list), rowsOf(fresh)];
  for (const [key, row] of rows) {
    const known = old.get(key);
    if (known?.innerHTML === row.innerHTML) row.replaceWith(known); // keeps what the mouse and the focus are on
  }
  list.replaceChildren(...fresh.childNodes);
  list.toggleAttribute("data-live", fresh.hasAttribute("data-live"));
  list.dataset.address = fresh.dataset.address;
  waiting = undefined;
}

/** Rows that are there already change where they stand; new ones wait behind a button. */
function hold(fresh, count) {
  waiting = fresh;
  settling ??= setTimeout(settle, READING_MS);
  const rows = rowsOf(fresh);
  for (const [key, row] of rowsOf(list)) {
    const cells = rows.get(key)?.children ?? [];
    for (const [at, cell] of [...cells].entries()) {
      const known = row.children[at];
      if (known.innerHTML !== cell.innerHTML && !known.contains(document.activeElement)) {
        known.replaceChildren(...cell.cloneNode(true).childNodes);
      }
    }
  }
  if (count > 0) showButton(freshText(count));
}

function showButton(text) {
  const button = list.querySelector(".fresh") ?? document.createElement("button");
  button.type = "button";
  button.className = "fresh";
  button.textContent = text;
  button.onclick = () => {
    show(waiting);
    list.scrollIntoView({ block: "nearest" });
    list.querySelector("tbody a")?.focus();
  };
  list.prepend(button);
}

function freshText(count) {
  return list.dataset.fresh.replace("{count}", count);
}

function settle() {
  clearTimeout(settling);
  settling = undefined;
  if (!waiting) return;
  if (isReading()) settling = setTimeout(settle, READING_MS);
  else show(waiting);
}

list?.addEventListener("fresh", (event) => {
  event.preventDefault();
  const fresh = event.detail;
  if (fresh.dataset.address !== list.dataset.address) return; // the answer to an older question
  const known = rowsOf(list);
  const count = [...rowsOf(fresh).keys()].filter((key) => !known.has(key)).length;
  if (count > 0) announcer.textContent = freshText(count);
  if (known.size > 0 && isReading()) hold(fresh, count);
  else show(fresh);
});
list?.addEventListener("pointermove", () => movedAt = performance.now());
list?.addEventListener("pointerleave", () => {
  movedAt = -Infinity;
  settle();
});
list?.addEventListener("focusout", () => setTimeout(settle));

/* Searching. */

let typing;
let asking;
/** The field that is being typed in: all that is typed there is one step for the back button. */
let step;

function addressOf(form) {
  const given = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
  const query = new URLSearchParams(given);
  return query.size > 0 ? `${form.action}?${query}` : form.action;
}

async function load(address) {
  asking?.abort();
  const own = asking = new AbortController();
  showFormButtons();
  list.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, signal: own.signal });
    if (!response.ok || response.redirected) return location.assign(response.redirected ? response.url : address);
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = next.getElementById("events");
    announcer.textContent = fresh.dataset.found;
    show(fresh);
  } catch {
    // A newer question took its place, or the relay is away, which the page says by itself.
  }
  if (asking === own) list.removeAttribute("aria-busy");
}

function ask(field) {
  clearTimeout(typing);
  const address = addressOf(form);
  if (address === location.href) return;
  if (field !== undefined && field === step) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  step = field;
  load(address);
}

form?.addEventListener("input", ({ target }) => {
  clearTimeout(typing);
  if (target.matches("select")) ask();
  else typing = setTimeout(ask, TYPING_MS, target);
});
form?.addEventListener("change", () => step = undefined);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
/** The list follows what is typed and chosen: a button is left only to take all of it back. */
function showFormButtons() {
  form.querySelector("[type=submit]").hidden = true;
  form.querySelector("a").hidden = addressOf(form) === form.action;
}

if (form) {
  showFormButtons();
  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    for (const { name } of form.querySelectorAll("[name]")) form.elements[name].value = query.get(name) ?? "";
    step = undefined;
    load(location.href);
  });
}

/* A retry that runs. */

setInterval(() => {
  if (document.querySelector("[data-running]")) document.dispatchEvent(new Event("changed"));
}, POLL_MS);
