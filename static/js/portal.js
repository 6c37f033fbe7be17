// What every page gets on top of its HTML: keys that move (and never decide), live status, small comforts.
"use strict";

const KEYS = "portal.keys";
const keysOn = () => localStorage.getItem(KEYS) !== "off";

// --- keys ------------------------------------------------------------------------------------------
const HELP = [
  ["J and K", "next and previous request"],
  ["Enter", "open the chosen request"],
  ["/", "search"],
  ["A, C, X", "move to approve, ask for changes, reject; they decide nothing"],
  ["?", "this list"],
];

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable], dialog") !== null;
}

function rows() {
  return [...document.querySelectorAll("[data-rows] [data-row]")];
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const now = all.findIndex((row) => row.classList.contains("is-sel"));
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  for (const row of all) row.classList.toggle("is-sel", row === next);
  next.querySelector("a").focus();
  return true;
}

function help() {
  let dialog = document.querySelector("#keys-help");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "keys-help";
    dialog.className = "dialog";
    dialog.setAttribute("aria-label", "Keys");
    const title = Object.assign(document.createElement("h2"), { textContent: "Keys" });
    const list = Object.assign(document.createElement("dl"), { className: "rows" });
    for (const [key, meaning] of HELP) {
      const row = document.createElement("div");
      row.append(
        Object.assign(document.createElement("dt"), { textContent: key }),
        Object.assign(document.createElement("dd"), { textContent: meaning }),
      );
      list.append(row);
    }
    const end = Object.assign(document.createElement("div"), { className: "dialog__end" });
    const profile = Object.assign(document.createElement("a"), { textContent: "Turn them off", href: "/accounts/profile/", className: "btn btn--quiet" });
    const close = Object.assign(document.createElement("button"), { textContent: "Close", className: "btn", type: "button" });
    close.addEventListener("click", () => dialog.close());
    end.append(profile, close);
    dialog.append(title, list, end);
    document.body.append(dialog);
  }
  dialog.showModal();
}

function press(key) {
  if (key === "j" && move(1)) return true;
  if (key === "k" && move(-1)) return true;
  if (key === "?") return help(), true;
  const element = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((found) => found.checkVisibility?.() ?? true);
  if (!element) return false;
  // Links move on; buttons are only focused: a stray key must not decide anything.
  if (element.tagName === "A") element.click();
  else element.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll(".menu[open]")) menu.open = false;
  if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (press(event.key)) event.preventDefault();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
const setting = document.querySelector("[data-keys-setting]");
if (setting) {
  setting.hidden = false;
  const box = setting.querySelector("[data-keys-toggle]");
  box.checked = keysOn();
  box.addEventListener("change", () => localStorage.setItem(KEYS, box.checked ? "on" : "off"));
}

// --- a list tells what has come since -----------------------------------------------------------
const NEWS_EVERY = 2500;

async function part(address, id) {
  const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html").getElementById(id);
}

const queue = document.querySelector("[data-news]");
if (queue) setTimeout(lookForNews, NEWS_EVERY);

async function lookForNews() {
  // Only while somebody looks.
  if (document.hidden) return document.addEventListener("visibilitychange", lookForNews, { once: true });
  try {
    const fresh = await part(queue.dataset.news, "news");
    const shown = document.getElementById("news");
    if (fresh && fresh.textContent.trim() !== shown.textContent.trim()) shown.replaceWith(fresh);
  } catch {
    // The portal may be restarting; the next round tells.
  }
  setTimeout(lookForNews, NEWS_EVERY);
}

// --- what is new at the bell, as notifications of the browser, where somebody switched them on ---------
const NOTICES = "portal.notices";
const TOLD = "portal.told"; // the last notice that was shown, in any page of this browser
const NOTICES_EVERY = 5000;
const NOT_ALLOWED = "This browser does not let the portal show any. Allow notifications in its settings for this site.";
const canNotify = "Notification" in globalThis && navigator.locks !== undefined;
const noticesOn = () => canNotify && Notification.permission === "granted" && localStorage.getItem(NOTICES) === "on";

// One page of the browser asks and tells; when it is closed, the next one goes on.
function listenToBell() {
  const bell = document.querySelector("[data-notices]");
  if (bell && noticesOn()) navigator.locks.request(NOTICES, () => tellWhatIsNew(bell.dataset.notices));
}

async function tellWhatIsNew(address) {
  while (noticesOn()) {
    try {
      const last = localStorage.getItem(TOLD);
      const response = await fetch(last ? `${address}?after=${last}` : address, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (response.redirected) return; // signed out
      if (response.ok) tellAll(await response.json());
    } catch {
      // The portal may be restarting; the next round tells.
    }
    await new Promise((next) => setTimeout(next, NOTICES_EVERY));
  }
}

function tellAll({ newest, notices }) {
  localStorage.setItem(TOLD, newest);
  for (const { id, title, line, address } of notices.reverse()) {
    const told = new Notification(title, { body: line, tag: `notice-${id}` });
    told.addEventListener("click", () => open(address, "_blank", "noopener"));
  }
}

const noticesSetting = document.querySelector("[data-notices-setting]");
if (noticesSetting && canNotify) {
  noticesSetting.hidden = false;
  const box = noticesSetting.querySelector("[data-notices-toggle]");
  box.checked = noticesOn();
  box.addEventListener("change", async () => {
    const allowed = box.checked && (await Notification.requestPermission()) === "granted";
    noticesSetting.querySelector("[data-notices-refused]").textContent = box.checked && !allowed ? NOT_ALLOWED : "";
    box.checked = allowed;
    localStorage.setItem(NOTICES, allowed ? "on" : "off");
    localStorage.removeItem(TOLD); // what was there before is not new
    listenToBell();
  });
}
listenToBell();

// --- what a page needs when it is opened, and when its main part is replaced ------------------------
function dress() {
  // The summary of errors is read first.
  document.querySelector("[data-focus]")?.focus();
  // A screen that is touched has no keys to hint at.
  if (keysOn() && matchMedia("(hover: hover)").matches) for (const hint of document.querySelectorAll("[data-keys-hint]")) hint.hidden = false;
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}
dress();

// --- copy ------------------------------------------------------------------------------------------
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
  const text = button.lastChild;
  const before = text.textContent;
  text.textContent = "Copied";
  setTimeout(() => (text.textContent = before), 1500);
});
