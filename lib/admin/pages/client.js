// Keeps a page up to date: when something changed, it gets the page anew and swaps the parts that are marked `data-live`.
// Says when the relay does not answer any more, and when it does again. Every page works without this.

const MIN_PAUSE_MS = 1_000;
const RETRY_MS = 10_000;
const live = document.getElementById("live");
const announcer = document.getElementById("announcer");
let isOn = sessionStorage.getItem("live") !== "off";
let source;
let timer;
let isStale = false;
let updatedAt = -Infinity;
let tookMs = 0;
let updating;

/** Whether a person is at work in this part, so that it must not change under their hands. */
function isBusy(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

/** Whether the page is as new as can be afterwards. */
async function update() {
  timer = undefined;
  isStale = false;
  updatedAt = performance.now();
  const { signal } = updating = new AbortController();
  const response = await fetch(location.href, { headers: { Accept: "text/html", "Relay-Live": "1" }, signal }).catch(
    () => undefined,
  );
  tookMs = performance.now() - updatedAt;
  if (response?.status === 401) return location.reload(); // signed out, in another window or browser
  if (!response?.ok || response.redirected) return false;
  const text = await response.text().catch(() => undefined);
  if (text === undefined) return false;
  const next = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.innerHTML) continue;
    if (!part.dispatchEvent(new CustomEvent("fresh", { detail: fresh, cancelable: true }))) continue;
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
  return !isStale;
}

/** Updates soon, however many changes are told meanwhile, and the less often the longer the relay needs for the page. */
function changed() {
  timer ??= setTimeout(update, Math.max(100, updatedAt + MIN_PAUSE_MS + 10 * tookMs - performance.now()));
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
  for (const name of ["event", "target", "trouble"]) source.addEventListener(name, changed);
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
    clearTimeout(timer);
    timer = undefined;
    if (isOn) changed();
    else updating?.abort();
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

const PULSE_MS = 1_500;
const PULSE_WAIT_MS = 2_500;
/** For so long the relay need not answer: it may be restarted. */
const LOST_MS = 3_500;
const lost = document.getElementById("lost");
const loadedTime = Date.now();
let answeredTime = loadedTime;
let answeredAt = performance.now();
/** How far the relay's clock, which all times of the page are of, is ahead of this one. */
let aheadMs = 0;
let isLost = false;
let pulse;
let hiding;

/** Asks whether the relay answers at all, which a connection that is open does not tell. */
async function feel() {
  const signal = AbortSignal.timeout(PULSE_WAIT_MS);
  const response = await fetch("/healthz", { cache: "no-store", signal }).catch(() => undefined);
  if (response?.ok) {
    answeredAt = performance.now();
    answeredTime = Date.now();
    aheadMs = Date.parse(response.headers.get("Date")) - answeredTime || 0;
    if (isLost) await showBack();
  } else if (!isLost && performance.now() - answeredAt >= LOST_MS) showLost();
  clearTimeout(pulse);
  if (!document.hidden) pulse = setTimeout(feel, response?.ok ? PULSE_MS : 500);
}

function isUpdating() {
  return isOn && document.querySelector("[data-live]") !== null;
}

function showLost() {
  clearTimeout(hiding);
  isLost = true;
  const { gone } = lost.dataset;
  tell(
    gone.replace("{time}", timeText(answeredTime)).replace(
      "{shown}",
      timeText(isUpdating() ? answeredTime : loadedTime),
    ),
  );
}

async function showBack() {
  isLost = false;
  const { back, fresh, old } = lost.dataset;
  const text = back.replace("{time}", timeText(answeredTime));
  connect();
  const isFresh = isUpdating() && await update();
  tell(`${text} ${isFresh ? fresh : old}`);
  if (isFresh) hiding = setTimeout(() => lost.hidden = true, 30_000);
}

function tell(text) {
  lost.textContent = text;
  lost.className = isLost ? "notice bad" : "notice";
  document.body.classList.toggle("stale", isLost);
  lost.hidden = false;
}

/** A time of this machine's clock, as the relay's clock and zone have it. */
function timeText(time) {
  const isLong = Date.now() - time > 12 * 3_600_000;
  const day = isLong ? { day: "2-digit", month: "short" } : {};
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const { timeZone } = lost.dataset;
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeZone, ...day, ...clock }).format(time + aheadMs);
}

if (lost) {
  feel();
  document.addEventListener("visibilitychange", feel);
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
document.addEventListener("changed", changed);
setInterval(refreshTimes, 5_000);
