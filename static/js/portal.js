// What every page gets on top of its HTML: keys that move (and never decide), live status, small comforts.
"use strict";

const KEYS = "portal.keys";
const keysOn = () => localStorage.getItem(KEYS) !== "off";

// --- focus: the summary of errors is read first ----------------------------------------------------
document.querySelector("[data-focus]")?.focus();

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
if (keysOn()) for (const hint of document.querySelectorAll("[data-keys-hint]")) hint.hidden = false;

const setting = document.querySelector("[data-keys-setting]");
if (setting) {
  setting.hidden = false;
  const box = setting.querySelector("[data-keys-toggle]");
  box.checked = keysOn();
  box.addEventListener("change", () => localStorage.setItem(KEYS, box.checked ? "on" : "off"));
}

// --- a write in production is confirmed ------------------------------------------------------------
for (const form of document.querySelectorAll("form[data-confirm]")) {
  // A rehearsal replaces the dialog, so it is looked for when it is needed; what it answers is sent with the form.
  const dialog = () => document.getElementById(form.dataset.confirm);
  const answer = Object.assign(document.createElement("input"), { type: "hidden", name: "confirmed", value: "" });
  form.append(answer);
  form.addEventListener("submit", (event) => {
    if (answer.value || event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    dialog().showModal();
  });
  const go = () => {
    const field = dialog().querySelector("[data-answer]");
    if (field && field.value.trim() !== field.dataset.answer) {
      dialog().querySelector("[data-unlike]").hidden = false;
      return field.focus();
    }
    answer.value = field ? field.value.trim() : "yes";
    dialog().close();
    form.requestSubmit();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("dialog [data-go]")) go();
    if (event.target.closest("dialog [data-close]")) dialog().close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-answer]")) return;
    event.preventDefault();
    go();
  });
}

// --- the bound: what is typed stands on the button and in the dialog --------------------------------
const bound = document.querySelector("[data-bound]");

function showBound() {
  const digits = bound.value.replace(/[,_\s\u202f]/g, "");
  const count = /^\d{1,15}$/.test(digits) ? Number(digits) : null;
  const words = digits === "" ? bound.form.elements.proposed.value : count === null ? "?" : count.toLocaleString("en");
  for (const shown of document.querySelectorAll("[data-bound-shown]")) shown.textContent = `${words} ${words === "1" ? "row" : "rows"}`;
}
bound?.addEventListener("input", showBound);
if (bound) showBound();

// --- rehearse: the box answers in place, and nothing that was typed is lost -------------------------
document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.hasAttribute("data-rehearse")) return;
  event.preventDefault();
  if (button.disabled) return;
  const body = new FormData(event.target);
  const state = Object.assign(document.createElement("span"), { className: "muted" });
  state.setAttribute("role", "status");
  const elapsed = document.createElement("span");
  elapsed.dataset.elapsed = "0";
  elapsed.textContent = "0 s";
  state.append("Rehearsing … ", elapsed);
  button.disabled = true;
  button.before(state);
  try {
    const address = button.hasAttribute("formaction") ? button.formAction : event.target.action;
    const response = await fetch(address, { method: "POST", body, credentials: "same-origin", headers: { Accept: "text/html", "X-Part": "effect" } });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (response.redirected || !fresh.getElementById("effect")) throw new Error();
    replaceEffect(fresh);
  } catch {
    state.textContent = "It could not be rehearsed: the portal did not answer as expected. Reload the page.";
    button.disabled = false;
  }
});

function replaceEffect(fresh) {
  const box = fresh.getElementById("effect");
  document.getElementById("effect").replaceWith(box);
  const dialog = fresh.getElementById("confirm");
  if (dialog) document.getElementById("confirm")?.replaceWith(dialog);
  if (bound && box.dataset.proposed) {
    const proposed = bound.form.elements.proposed;
    if (bound.value === proposed.value) bound.value = box.dataset.proposed;
    proposed.value = box.dataset.proposed;
    bound.form.elements.origin.value = box.dataset.origin;
    showBound();
  }
  const said = box.querySelector(".effect__sum, .notice");
  said.tabIndex = -1;
  said.focus({ preventScroll: true });
}

// --- one click, one decision: the run may take as long as its limit --------------------------------
for (const form of document.querySelectorAll("form.decide")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.hasAttribute("data-rehearse")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    form.classList.add("is-busy");
    const state = document.createElement("p");
    state.setAttribute("role", "status");
    state.textContent = "Sent. This page answers when it is done; the run continues if you leave.";
    form.append(state);
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form.decide")) delete form.dataset.sent;
});

// --- live status -----------------------------------------------------------------------------------
const PAUSES = [1000, 1000, 1000, 2000, 3000, 5000, 5000, 5000, 5000, 5000, 5000, 15000];
const QUIET = 15_000; // how often a page looks whether something has come that nobody is waiting for by the second

async function part(address, id) {
  const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html").getElementById(id);
}

// Shown now and then, and only while somebody looks; `look` answers whether to go on.
function watch(look) {
  setTimeout(async function round() {
    if (document.hidden) return document.addEventListener("visibilitychange", round, { once: true });
    try {
      if ((await look()) === false) return;
    } catch {
      // The portal may be restarting; the next round tells.
    }
    setTimeout(round, QUIET);
  }, QUIET);
}

// The database is asked for its plan while somebody looks at the request; without this there is a link to it.
const unasked = document.querySelector("[data-plan]");
if (unasked) askForPlan();

async function askForPlan() {
  unasked.setAttribute("aria-busy", "true");
  const plan = await part(unasked.dataset.plan, "plan").catch(() => null);
  unasked.removeAttribute("aria-busy");
  if (!plan) return;
  unasked.replaceWith(plan);
  const rows = plan.dataset.estimated ?? "";
  for (const place of document.querySelectorAll("[data-estimate]")) {
    place.querySelector("dd").textContent = rows;
    place.hidden = rows === "";
  }
}

const queue = document.querySelector("[data-news]");
if (queue) {
  watch(async () => {
    const fresh = await part(queue.dataset.news, "news");
    const shown = document.getElementById("news");
    if (fresh && fresh.textContent.trim() !== shown.textContent.trim()) shown.replaceWith(fresh);
  });
}

const pending = document.querySelector('#progress[data-status="PENDING"]');
if (pending) {
  watch(async () => {
    const fresh = await part(pending.dataset.poll, "progress");
    if (!fresh || (fresh.dataset.status === pending.dataset.status && fresh.dataset.given === pending.dataset.given)) return true;
    const form = document.querySelector("form.decide");
    // Nothing moves under the hand of somebody who is deciding.
    if (form && (form.contains(document.activeElement) || form.elements.comment?.value)) document.querySelector("[data-changed]").hidden = false;
    else if (!form?.dataset.sent) location.reload();
    return false;
  });
}

async function poll(attempt) {
  const progress = document.querySelector('#progress[data-poll]:not([data-status="PENDING"])');
  if (!progress) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => poll(0), { once: true });
    return;
  }
  try {
    const response = await fetch(progress.dataset.poll, { credentials: "same-origin", headers: { Accept: "text/html" } });
    const status = response.headers.get("X-Query-Status");
    if (response.ok && status && !["APPROVED", "EXECUTING"].includes(status)) {
      document.title = `${status === "EXECUTED" ? "Finished" : "Ended"}: ${document.title}`;
      location.reload();
      return;
    }
    if (response.ok && status) {
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("#progress");
      if (fresh && !progress.contains(document.activeElement)) progress.replaceWith(fresh);
      // The button under somebody's finger stays; what the run waits for is still told.
      else if (fresh) progress.querySelector("[data-activity]")?.replaceWith(fresh.querySelector("[data-activity]") ?? "");
    }
  } catch {
    // The portal may be restarting; the next round tells.
  }
  setTimeout(poll, PAUSES[Math.min(attempt, PAUSES.length - 1)], attempt + 1);
}
setTimeout(poll, PAUSES[0], 1);
setInterval(() => {
  const elapsed = document.querySelector("[data-elapsed]");
  if (elapsed) elapsed.textContent = `${(elapsed.dataset.elapsed = Number(elapsed.dataset.elapsed) + 1)} s`;
}, 1000);

// --- copy ------------------------------------------------------------------------------------------
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    const text = button.lastChild;
    const before = text.textContent;
    text.textContent = "Copied";
    setTimeout(() => (text.textContent = before), 1500);
  });
}

// --- a request that was sent leaves no draft behind ------------------------------------------------
const sent = sessionStorage.getItem("portal.sent");
if (sent && !document.getElementById("request-form") && !location.pathname.startsWith("/accounts/")) {
  if (document.querySelector(".notice--ok")) localStorage.removeItem(sent);
  sessionStorage.removeItem("portal.sent");
}
