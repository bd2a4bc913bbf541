// Keeps a page up to date: when something changed, it gets the page anew and swaps the parts that are marked `data-live`.
// Every page works without this.

const MIN_PAUSE_MS = 1_000;
const RETRY_MS = 10_000;
const live = document.getElementById("live");
const announcer = document.getElementById("announcer");
let isOn = sessionStorage.getItem("live") !== "off";
let source;
let timer;
let isStale = false;
let updatedAt = 0;

/** Whether a person is at work in this part, so that it must not change under their hands. */
function isBusy(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

async function update() {
  timer = undefined;
  isStale = false;
  updatedAt = Date.now();
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (response?.status === 401) return location.reload(); // signed out, in another window or browser
  if (!response?.ok || response.redirected) return;
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.innerHTML) continue;
    if (isBusy(part)) {
      isStale = true;
      continue;
    }
    for (const details of part.querySelectorAll("details[open]")) {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = true;
    }
    part.replaceChildren(...fresh.childNodes);
  }
  const { summary } = next.body.dataset;
  if (summary && summary !== document.body.dataset.summary) announcer.textContent = summary;
  document.body.dataset.summary = summary ?? "";
}

/** Updates soon, however many changes are told meanwhile. */
function changed() {
  timer ??= setTimeout(update, Math.max(100, updatedAt + MIN_PAUSE_MS - Date.now()));
}

function connect() {
  source?.close();
  source = undefined;
  if (!isOn || document.hidden) return;
  source = new EventSource("/api/live");
  source.onopen = changed; // what happened before, since the page was made or while the connection was away, is not told
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    changed();
    setTimeout(connect, RETRY_MS);
  };
  for (const name of ["event", "target"]) source.addEventListener(name, changed);
}

function showSwitch() {
  const { on, off, pause, resume } = live.dataset;
  const button = live.firstChild ?? live.appendChild(document.createElement("button"));
  button.type = "button";
  button.className = isOn ? "live on" : "live";
  button.textContent = isOn ? on : off;
  button.title = isOn ? pause : resume;
  button.onclick = () => {
    isOn = !isOn;
    sessionStorage.setItem("live", isOn ? "on" : "off");
    showSwitch();
    connect();
    if (isOn) changed();
  };
  live.hidden = false;
}

/** Times go on without the page being fetched. */
function refreshTimes() {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short" });
  const units = [[86_400_000, "day"], [3_600_000, "hour"], [60_000, "minute"], [1_000, "second"]];
  for (const time of document.querySelectorAll("time[datetime]")) {
    const ms = Date.parse(time.dateTime) - Date.now();
    const [size, unit] = units.find(([size]) => Math.abs(ms) >= size) ?? units.at(-1);
    const text = format.format(Math.trunc(ms / size), unit);
    const part = time.querySelector(".relative");
    if (part && part.textContent !== text && !isBusy(time)) part.textContent = text;
  }
}

if (live && document.querySelector("[data-live]")) {
  showSwitch();
  connect();
  document.addEventListener("visibilitychange", () => {
    connect();
    if (isOn && !document.hidden) changed();
  });
  document.addEventListener("focusout", () => isStale && isOn && changed());
}
setInterval(refreshTimes, 5_000);
