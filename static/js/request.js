// The page of one request: it is confirmed, rehearsed, approved and watched without leaving it.
// A module, so that its names are its own; `dress` and `part` are those of every page.

// --- a write in production is confirmed ------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.elements.confirmed || event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  // A rehearsal replaces the dialog, so it is looked for when it is needed.
  document.getElementById(form.dataset.confirm).showModal();
});

function confirmed(dialog) {
  const field = dialog.querySelector("[data-answer]");
  if (field && field.value.trim() !== field.dataset.answer) {
    dialog.querySelector("[data-unlike]").hidden = false;
    return field.focus();
  }
  const form = document.querySelector(`form[data-confirm="${dialog.id}"]`);
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "confirmed", value: field ? field.value.trim() : "yes" }));
  dialog.close();
  form.requestSubmit();
}

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog");
  if (dialog && event.target.closest("[data-go]")) confirmed(dialog);
  if (dialog && event.target.closest("[data-close]")) dialog.close();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-answer]")) return;
  event.preventDefault();
  confirmed(event.target.closest("dialog"));
});

// --- the bound: what is typed stands on the button and in the dialog --------------------------------
const theBound = () => document.querySelector("[data-bound]");

function showBound() {
  const bound = theBound();
  if (!bound) return;
  const digits = bound.value.replace(/[,_\s\u202f]/g, "");
  const count = /^\d{1,15}$/.test(digits) ? Number(digits) : null;
  const words = digits === "" ? bound.form.elements.proposed.value : count === null ? "?" : count.toLocaleString("en");
  for (const shown of document.querySelectorAll("[data-bound-shown]")) shown.textContent = `${words} ${words === "1" ? "row" : "rows"}`;
}
document.addEventListener("input", (event) => event.target.matches("[data-bound]") && showBound());

// --- rehearse: the box answers in place, and nothing that was typed is lost -------------------------
const post = (address, body, headers = {}) =>
  fetch(address, { method: "POST", body, credentials: "same-origin", headers: { Accept: "text/html", ...headers } });
const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

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
    const response = await post(address, body, { "X-Part": "effect" });
    const fresh = parsed(await response.text());
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
  const wouldChange = fresh.querySelector("[data-would-change]");
  if (wouldChange) document.querySelector("[data-would-change]")?.replaceWith(wouldChange);
  const dialog = fresh.getElementById("confirm");
  if (dialog) document.getElementById("confirm")?.replaceWith(dialog);
  const bound = theBound();
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

// --- one click, one decision; what may run is sent in the background and watched meanwhile -----------
let sent = null; // the form whose answer has not come yet

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("form[data-decide]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.classList.add("is-busy");
  if (event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  decide(form);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-decide]")) delete form.dataset.sent;
});

async function decide(form) {
  sent = form;
  say(form, "Sent. This page tells what becomes of it; the run continues if you leave.", "status");
  lookIn(500);
  let html = "";
  try {
    const response = await post(form.action, new FormData(form));
    html = await response.text();
    if (signedOut(response)) return refuse(form, "You are signed out, so nothing was decided. Sign in in another tab, then send it again from here.");
  } catch {
    return refuse(form, "The portal's answer did not arrive.");
  } finally {
    sent = null;
  }
  if (show(html)) return arrive();
  const told = parsed(html).querySelector("[data-message]")?.textContent;
  await refuse(form, told ?? "The portal did not answer as expected.");
}

const signedOut = (response) => response.redirected && new URL(response.url).pathname.startsWith("/accounts/");

// Nothing that was typed is lost; whether it was decided all the same, the request's own state tells.
async function refuse(form, words) {
  await look().catch(() => {});
  const undecided = document.getElementById("progress").dataset.status === "PENDING";
  say(form, undecided ? `${words} As far as the portal can tell, nothing was decided; what you typed is still here.` : `${words} It was decided all the same; this page goes on to tell what becomes of it.`, "alert");
  if (!undecided) return;
  delete form.dataset.sent;
  form.classList.remove("is-busy");
  if (form.dataset.confirm) form.elements.confirmed?.remove();
}

function say(form, words, role) {
  const state = form.querySelector("[data-said]") ?? form.appendChild(document.createElement("p"));
  state.dataset.said = "";
  state.setAttribute("role", role);
  state.textContent = words;
}

function arrive() {
  scrollTo(0, 0);
  if (document.querySelector("[data-focus]")) return;
  const told = document.querySelector(".messages") ?? document.getElementById("main");
  told.tabIndex = -1;
  told.focus({ preventScroll: true });
}

// --- stop it: asked for from here, answered here ----------------------------------------------------
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-stop]")) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  form.classList.add("is-busy");
  try {
    const response = await post(form.action, new FormData(form));
    if (!response.ok || signedOut(response)) throw new Error(parsed(await response.text()).querySelector("[data-focus] span")?.textContent ?? "");
    form.replaceChildren(Object.assign(document.createElement("p"), { textContent: "You asked to stop it; waiting for the database to confirm." }));
  } catch (error) {
    say(form, error.message || "It could not be asked to stop: the portal did not answer as expected.", "alert");
    delete form.dataset.sent;
    form.classList.remove("is-busy");
  }
  lookIn(0);
});

// --- live status: what waits or runs is looked at, also from a hidden tab ---------------------------
const FAST = 1000; // while something is under way, at first
const SLOW = 2500; // who waits notices within three seconds
const ANSWER = 5000; // so long after the end its own answer may still come
const UNDER_WAY = ["APPROVED", "EXECUTING"];
let rounds = 0;
let timer = 0;

function lookIn(pause) {
  clearTimeout(timer);
  rounds = 0;
  timer = setTimeout(round, pause);
}

async function round() {
  clearTimeout(timer);
  try {
    if ((await look()) === false) return;
  } catch {
    // The portal may be restarting; the next round tells.
  }
  const busy = sent || UNDER_WAY.includes(document.getElementById("progress")?.dataset.status);
  clearTimeout(timer);
  timer = setTimeout(round, busy && rounds++ < 30 ? FAST : SLOW);
}

// Answers false when there is nothing more to look for.
async function look() {
  const shown = document.getElementById("progress");
  if (!shown?.dataset.poll) return false;
  const seen = shown.dataset.status === "PENDING" && !shown.querySelector(".run") ? `?seen=${shown.dataset.given}` : "";
  const response = await fetch(shown.dataset.poll + seen, { credentials: "same-origin", headers: { Accept: "text/html" } });
  if (response.redirected) return false;
  if (response.status !== 200) return true;
  const fresh = parsed(await response.text()).getElementById("progress");
  return fresh && document.contains(shown) ? take(shown, fresh) : true;
}

async function take(shown, fresh) {
  tell(fresh.dataset.title, fresh.dataset.icon);
  document.querySelector("[data-state]")?.replaceChildren(fresh.querySelector("[data-state-now]").content.cloneNode(true));
  const changed = shown.dataset.status !== fresh.dataset.status || shown.dataset.given !== fresh.dataset.given;
  const page = shown.dataset.page;
  // Between two tries for a place there is a moment in which nobody is seen to wait.
  if (changed || !(sent && shown.querySelector(".run") && !fresh.querySelector(".run"))) replaceProgress(shown, fresh, changed);
  if (!changed) return true;
  if (sent) {
    // Its answer brings the page; where that is lost, the page is fetched.
    if (!fresh.dataset.poll) setTimeout(() => sent && renew(page), ANSWER);
    return true;
  }
  const form = document.querySelector("form[data-decide]");
  // Nothing moves under the hand of somebody who is deciding.
  if (form && (form.contains(document.activeElement) || form.elements.comment?.value)) document.querySelector("[data-changed]").hidden = false;
  else await renew(page);
  return true;
}

function replaceProgress(shown, fresh, changed) {
  // The button under somebody's finger stays; what the run waits for is still told.
  if (changed || !shown.contains(document.activeElement)) shown.replaceWith(fresh);
  else shown.querySelector("[data-activity]")?.replaceWith(fresh.querySelector("[data-activity]") ?? "");
}

async function renew(page) {
  const address = location.pathname === page ? location.pathname + location.search : page;
  const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
  if (response.ok && !response.redirected) show(await response.text());
}

function tell(title, icon) {
  document.title = title;
  document.querySelector("link[rel=icon]").href = icon;
}

// Puts another answer of the portal in the place of this page, title and icon with it; whether it was such a page.
function show(html) {
  const fresh = parsed(html);
  if (!fresh.getElementById("progress")) return false;
  tell(fresh.title, fresh.querySelector("link[rel=icon]").getAttribute("href"));
  if (!document.querySelector(".menu[open]")) document.querySelector(".topbar").replaceWith(fresh.querySelector(".topbar"));
  document.getElementById("main").replaceWith(fresh.getElementById("main"));
  dress();
  begin();
  return true;
}

setInterval(() => {
  for (const elapsed of document.querySelectorAll("[data-elapsed]")) elapsed.textContent = `${(elapsed.dataset.elapsed = Number(elapsed.dataset.elapsed) + 1)} s`;
}, 1000);

// --- the plan: the database is asked for it while somebody looks; without this there is a link to it -
async function askForPlan() {
  const unasked = document.querySelector("[data-plan]");
  if (!unasked) return;
  unasked.setAttribute("aria-busy", "true");
  const plan = await part(unasked.dataset.plan, "plan").catch(() => null);
  unasked.removeAttribute("aria-busy");
  if (!plan || !document.contains(unasked)) return;
  unasked.replaceWith(plan);
  const rows = plan.dataset.estimated ?? "";
  for (const place of document.querySelectorAll("[data-estimate]")) {
    place.querySelector("dd").textContent = rows;
    place.hidden = rows === "";
  }
}

function begin() {
  showBound();
  askForPlan();
  lookIn(UNDER_WAY.includes(document.getElementById("progress")?.dataset.status) ? FAST : SLOW);
}
begin();
