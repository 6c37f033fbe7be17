// The form of a new request: the editor over its textarea, a draft that stays, checks while typing, the target's tables.
"use strict";

const form = document.getElementById("request-form");
if (form) start();

function start() {
  const area = document.getElementById("id_statement");
  const target = document.getElementById("id_target");
  const language = document.getElementById("id_language");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const draftKey = `portal.draft.${form.dataset.person}`;
  const parts = ["target", "language", "access", "statement", "reason", "ticket", "parameters", "expects"];
  const schemas = new Map();
  // Findings that are seen without a click.
  const AT_ONCE = 8;
  let sending = false;
  let changed = false;
  let newest = 0;
  let waiting = 0;

  const chosen = () => target.selectedOptions[0] ?? { dataset: {} };
  const spoken = () => language.value || (chosen().dataset.languages ?? "sql").split(" ")[0];

  // --- the editor ----------------------------------------------------------------------------------
  const restored = form.hasAttribute("data-filled") ? false : restore();
  const editor = globalThis.QueryEditor.mount(area, {
    onChange: touched,
    onSend: () => form.requestSubmit(),
    onCursor: (line, column) => (form.querySelector("[data-cursor]").textContent = `Line ${line}, column ${column}`),
  });
  form.querySelector("[data-editor-help]").hidden = false;
  form.querySelector("[data-send-keys]").hidden = false;
  form.querySelector("[data-checks]").hidden = false;
  if (form.hasAttribute("data-filled")) form.querySelector("[data-discard]").hidden = false;
  document.querySelector('#errors a[href="#id_statement"]')?.addEventListener("click", (event) => {
    event.preventDefault();
    const found = JSON.parse(document.getElementById("found").textContent);
    if (found.length) editor.goTo(found[0].line, found[0].column);
    else editor.focus();
  });

  // --- target, language, access --------------------------------------------------------------------
  function follow() {
    const { languages = "", write, maintenance } = chosen().dataset;
    for (const panel of form.querySelectorAll("[data-target-panel]")) panel.hidden = panel.dataset.targetPanel !== target.value;
    for (const option of language.options) option.disabled = option.value !== "" && !languages.split(" ").includes(option.value);
    if (language.selectedOptions[0]?.disabled) language.value = "";
    for (const [access, taken] of Object.entries({ write, maintenance })) {
      const choice = form.querySelector(`[name=access][value="${access}"]`);
      choice.disabled = taken === "no";
      if (choice.disabled && choice.checked) form.querySelector('[name=access][value="read"]').checked = true;
    }
    askForRows();
    editor.setLanguage(spoken(), schemas.get(target.value) ?? []);
    loadSchema();
  }

  // A read changes no rows: the field is neither shown nor sent.
  function askForRows() {
    const field = form.querySelector("[data-expects]");
    const writes = form.elements.access.value === "write";
    field.hidden = !writes;
    form.elements.expects.disabled = !writes;
    field.querySelector("[data-expects-optional]").textContent = chosen().dataset.expects === "required" ? "" : "(optional)";
  }

  async function loadSchema() {
    const slug = target.value;
    if (!slug || schemas.has(slug)) return showSchema();
    const state = form.querySelector("[data-schema-state]");
    form.querySelector("[data-schema-card]").hidden = false;
    form.querySelector("[data-schema-tree]").replaceChildren();
    state.textContent = "Reading…";
    try {
      const response = await fetch(`${form.dataset.schema}${encodeURIComponent(slug)}/schema/`, { headers: { Accept: "application/json" } });
      const body = await response.json();
      if (!response.ok) throw new Error(body.error?.message ?? "");
      schemas.set(slug, (body.tables ?? body).map((table) => ({ ...table, columns: table.columns ?? [] })));
    } catch {
      if (slug === target.value) state.textContent = "Not available";
      return;
    }
    if (slug !== target.value) return;
    showSchema();
    editor.setLanguage(spoken(), schemas.get(slug));
  }

  const finder = document.getElementById("schema-find");
  finder.addEventListener("input", showSchema);

  function showSchema() {
    const tables = schemas.get(target.value);
    form.querySelector("[data-schema-card]").hidden = !tables;
    if (!tables) return;
    const words = finder.value.trim().toLowerCase();
    const fits = (name) => name.toLowerCase().includes(words);
    const shown = tables.filter((table) => !words || fits(table.name) || table.columns.some((column) => fits(column.name)));
    form.querySelector("[data-schema-state]").textContent = `${tables.length} table${tables.length === 1 ? "" : "s"}`;
    form.querySelector("[data-schema-tree]").replaceChildren(...shown.slice(0, 300).map((table) => branch(table, words !== "" && shown.length < 6)));
  }

  function branch(table, open) {
    const details = element("details", "");
    details.open = open;
    const summary = element("summary", "", icon("chevron-right", "chev"), icon("table-2", ""), table.name);
    if (table.estimated_rows != null) summary.append(element("span", "muted num", `about ${Number(table.estimated_rows).toLocaleString("en")} rows`));
    details.append(summary, ...table.columns.map((column) => element("div", "tree__leaf", column.name, element("span", "muted", column.type))));
    return details;
  }

  function element(tag, css, ...children) {
    const made = document.createElement(tag);
    if (css) made.className = css;
    made.append(...children.map((child) => (typeof child === "string" ? drawn(child) : child)));
    return made;
  }

  // Names come from a database, and messages quote them: what has no glyph is named, as on every page.
  function drawn(text) {
    const hidden = /(?![ \n\t])[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]|(?<=[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]+/gu;
    return text.replace(hidden, (found) => `⟨U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}${found.length > 2 ? " …" : ""}⟩`);
  }

  function icon(name, css) {
    const made = document.querySelector("svg.icon").cloneNode(true);
    made.setAttribute("class", `icon icon--s ${css}`);
    const use = made.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
    return made;
  }

  // --- checks as one types -------------------------------------------------------------------------
  function touched() {
    changed = true;
    clearTimeout(waiting);
    waiting = setTimeout(() => (save(), check()), 600);
  }

  async function check() {
    const round = ++newest;
    if (!area.value.trim()) return showFindings([], true);
    const body = {
      pod: chosen().dataset.pod ?? "",
      target: target.value,
      language: spoken(),
      access: form.elements.access.value,
      statement: area.value,
      reason: document.getElementById("id_reason").value,
    };
    try {
      const response = await fetch(form.dataset.check, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      if (round !== newest) return; // a newer text was sent meanwhile
      if (response.ok) showFindings(answer.findings, false, answer);
      else showFindings(refused(answer.error), false);
    } catch {
      if (round === newest) state("", "Not available");
    }
  }

  function refused(error) {
    const fields = Object.values(error?.fields ?? {}).flat();
    const found = fields.length ? fields : [{ message: error?.message ?? "It could not be checked." }];
    return found.map((item) => ({ severity: "error", ...item }));
  }

  function showFindings(findings, empty, answer) {
    editor.setFindings(findings);
    const list = form.querySelector("[data-checks-list]");
    if (empty) {
      state("", "");
      return list.replaceChildren(line("note", "circle-dashed", "Checked as you type"));
    }
    const tones = { error: ["bad", "circle-x"], warning: ["warn", "triangle-alert"], info: ["note", "info"] };
    const errors = findings.filter((finding) => finding.severity === "error").length;
    const warnings = findings.filter((finding) => finding.severity === "warning").length;
    const ranks = Object.keys(tones);
    const sorted = [...findings].sort((one, other) => ranks.indexOf(one.severity) - ranks.indexOf(other.severity));
    const lines = sorted.map((finding) => finding.line ? jump(line(...tones[finding.severity], finding.message, finding), finding) : line(...tones[finding.severity], finding.message, finding));
    const items = lines.slice(0, AT_ONCE);
    if (lines.length > AT_ONCE) items.push(folded(lines.slice(AT_ONCE)));
    if (!errors) {
      // Only what was checked is said: of names, that the target knows them, and only when it did answer.
      items.push(line("ok", "circle-check", answer?.tables?.length ? `Reads as valid; touches ${listed(answer.tables)}` : "Reads as valid"));
      if (answer?.verified?.includes("names_known")) items.push(line("ok", "circle-check", "The target knows its tables and columns"));
    }
    if (answer?.access === "write" && form.elements.access.value === "read" && !errors) items.push(line("warn", "triangle-alert", "It writes; choose Write above."));
    list.replaceChildren(...items);
    if (errors) state("bad", `${errors} error${errors === 1 ? "" : "s"}`);
    else if (warnings) state("warn", `${warnings} warning${warnings === 1 ? "" : "s"}`);
    else state("ok", "Valid");
  }

  // What is gravest is seen; the rest is a click away.
  function folded(lines) {
    const list = element("ul", "checks", ...lines);
    const details = element("details", "more", element("summary", "", `${lines.length} more`), list);
    return element("li", "is-more", details);
  }

  function listed(names) {
    return names.length > 12 ? `${names.slice(0, 12).join(", ")} and ${names.length - 12} more` : names.join(", ");
  }

  function line(tone, name, text, finding = {}) {
    const item = element("li", `is-${tone}`, icon(name, ""));
    item.firstChild.setAttribute("class", "icon");
    const words = element("div", "", text);
    const where = [finding.line ? `Line ${finding.line}${finding.column ? `, column ${finding.column}` : ""}.` : "", finding.hint ?? ""].join(" ").trim();
    if (where) words.append(document.createElement("br"), element("small", "", where));
    item.append(words);
    return item;
  }

  function jump(item, finding) {
    const button = element("button", "linkbtn", ...item.lastChild.childNodes);
    button.type = "button";
    button.addEventListener("click", () => editor.goTo(finding.line, finding.column));
    item.lastChild.replaceChildren(button);
    return item;
  }

  function state(tone, text) {
    form.querySelector("[data-checks-state]").replaceChildren(...(text ? [element("span", `pill ${tone ? `pill--${tone}` : ""}`, text)] : []));
  }

  // --- the draft -----------------------------------------------------------------------------------
  function values() {
    return Object.fromEntries(parts.map((name) => [name, form.elements[name].value]));
  }

  function save() {
    const now = values();
    if (![now.statement, now.reason, now.parameters].some((text) => text.trim())) return;
    try {
      localStorage.setItem(draftKey, JSON.stringify({ at: Date.now(), values: now }));
      const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      said(`Draft saved ${time} on this browser. It stays if you close the page.`);
      changed = false;
    } catch {
      said("The draft could not be saved on this browser.");
    }
    form.querySelector("[data-discard]").hidden = false;
  }

  function restore() {
    const kept = JSON.parse(localStorage.getItem(draftKey) ?? "null");
    if (!kept || area.value.trim()) return false;
    for (const name of parts) {
      const field = form.elements[name];
      const value = kept.values[name] ?? "";
      if (name === "target" && ![...target.options].some((option) => option.value === value)) continue;
      field.value = value;
    }
    said("This is the draft you left here.");
    form.querySelector("[data-discard]").hidden = false;
    return true;
  }

  function said(text) {
    document.querySelector("[data-draft-state]").textContent = text;
  }

  form.querySelector("[data-discard]").addEventListener("click", () => {
    localStorage.removeItem(draftKey);
    changed = false;
    sending = true;
    location.assign(location.pathname);
  });
  form.addEventListener("input", touched);
  form.addEventListener("change", touched);
  target.addEventListener("change", follow);
  language.addEventListener("change", follow);
  for (const choice of form.elements.access) choice.addEventListener("change", askForRows);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    save();
    sending = true;
    // The next page is either the request itself, or this form with everything in it.
    sessionStorage.setItem("portal.sent", draftKey);
  });
  addEventListener("pageshow", (event) => event.persisted && (sending = false));
  addEventListener("beforeunload", (event) => {
    if (!changed || sending) return;
    save();
    if (changed) event.preventDefault();
  });

  // --- a file fills the editor; it is not another way in -------------------------------------------
  const opener = form.querySelector("[data-open-file]");
  opener.hidden = false;
  opener.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    if (file.size > 2_000_000) return said(`${file.name} is larger than 2 MB, the most a statement may have.`);
    try {
      editor.setText(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    } catch {
      said(`${file.name} is not UTF-8 text.`);
    }
  });

  follow();
  const found = JSON.parse(document.getElementById("found").textContent);
  if (found.length) editor.setFindings(found);
  if (area.value.trim()) check();
  if (restored) changed = false;
}
