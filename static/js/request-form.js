// The form of a new request: the editor over its textarea, a draft that stays, checks while typing, the target's tables.
"use strict";

const form = document.getElementById("request-form");
if (form) start();

function start() {
  const area = document.getElementById("id_statement");
  const target = document.getElementById("id_target");
  const language = document.getElementById("id_language");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const { element, icon, tryAgain, schemaPanel } = globalThis.RequestParts;
  const completions = JSON.parse(document.getElementById("completions").textContent);
  // Findings that are seen without a click.
  const AT_ONCE = 8;
  let sending = false;
  let newest = 0;
  let waiting = 0;
  // What the findings that are shown were found in.
  let foundIn = "";

  const chosen = () => target.selectedOptions[0] ?? { dataset: {} };
  const spoken = () => language.value;

  // --- the editor ----------------------------------------------------------------------------------
  const parameters = globalThis.RequestParameters.mount(form, spoken, touched);
  const editor = globalThis.QueryEditor.mount(area, {
    completes: !("silent" in area.closest("[data-editor]").dataset),
    onChange: touched,
    onSend: () => form.requestSubmit(),
    onCursor: (line, column) => (form.querySelector("[data-cursor]").textContent = `Line ${line}, column ${column}`),
  });
  form.querySelector("[data-editor-help]").hidden = false;
  form.querySelector("[data-send-keys]").hidden = false;
  form.querySelector("[data-checks]").hidden = false;
  document.querySelector('#errors a[href="#id_statement"]')?.addEventListener("click", (event) => {
    event.preventDefault();
    const [first] = JSON.parse(document.getElementById("found").textContent);
    if (first) editor.goTo(first.line, first.column);
    else editor.focus();
  });

  // --- target, language, access --------------------------------------------------------------------
  function follow() {
    const { languages = "", write, maintenance } = chosen().dataset;
    for (const panel of form.querySelectorAll("[data-target-panel]")) panel.hidden = panel.dataset.targetPanel !== target.value;
    for (const option of language.options) option.hidden = option.disabled = !languages.split(" ").includes(option.value);
    if (language.selectedOptions[0]?.disabled) language.value = languages.split(" ")[0];
    for (const [access, taken] of Object.entries({ write, maintenance })) {
      const choice = form.querySelector(`[name=access][value="${access}"]`);
      if (!choice) continue;
      choice.disabled = taken === "no";
      if (choice.disabled && choice.checked) form.querySelector('[name=access][value="read"]').checked = true;
    }
    askForRows();
    parameters.speak();
    speak();
    panel.follow(target.value, chosen().dataset.engine ?? "");
  }

  // A read changes no rows: the field is neither shown nor sent.
  function askForRows() {
    const field = form.querySelector("[data-expects]");
    const writes = form.elements.access.value === "write";
    field.hidden = !writes;
    form.elements.expects.disabled = !writes;
    field.querySelector("[data-expects-optional]").textContent = chosen().dataset.expects === "required" ? "" : "(optional)";
  }

  // Those of this target in this language; chosen, one is its statement, with a row for each of its parameters.
  function templates() {
    const fitting = completions.templates.filter((one) => one.language === spoken() && one.targets.includes(target.value));
    return fitting.map(({ id, name }) => ({
      name,
      apply: async (view, _, from, to) => {
        const answer = await fetch(`${form.dataset.templates}${id}/`, { headers: { Accept: "application/json" } });
        if (!answer.ok) return;
        const { statement, parameters: declared } = await answer.json();
        view.dispatch({ changes: { from, to, insert: statement }, selection: { anchor: from + statement.length } });
        parameters.declare(declared);
        touched();
      },
    }));
  }

  // What the editor completes: only what the language has on this engine.
  function speak() {
    const { engine = "" } = chosen().dataset;
    const methods = completions[spoken()]?.[engine];
    editor.speak({ language: spoken(), ...panel.of(target.value), ...(methods ? { methods } : {}), templates: templates() });
    form.querySelector("[data-format]").hidden = spoken() !== "sql";
  }

  const panel = schemaPanel(form, () => editor, (slug) => slug === target.value && speak());

  // --- checks as one types -------------------------------------------------------------------------
  function touched() {
    draft?.touched();
    clearTimeout(waiting);
    waiting = setTimeout(check, 600);
    tellWhetherCurrent();
  }

  const judged = () => ({
    pod: chosen().dataset.pod ?? "",
    target: target.value,
    language: spoken(),
    access: form.elements.access.value,
    statement: area.value,
    parameters: parameters.sent(),
  });

  // Findings of another text than the one that stands there are not taken for its own.
  function tellWhetherCurrent() {
    const stale = foundIn !== "" && foundIn !== JSON.stringify(judged());
    form.querySelector("[data-checks] [aria-live]").setAttribute("aria-busy", String(stale));
    for (const place of form.querySelectorAll("[data-checks-list], [data-editor]")) place.classList.toggle("is-stale", stale);
    if (stale) state("", "Checking …");
  }

  async function check() {
    const round = ++newest;
    const asked = judged();
    if (!area.value.trim()) return showSimilar([]), showFindings([], asked, true);
    try {
      const response = await fetch(form.dataset.check, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ ...asked, reason: document.getElementById("id_reason").value }),
      });
      const answer = await response.json();
      if (round !== newest) return; // a newer text was sent meanwhile
      if (response.ok && parameters.follow(answer.findings)) return check(); // it has rows now for what was missing
      showSimilar(response.ok ? answer.similar : []);
      if (response.ok) showFindings(answer.findings, asked, false, answer);
      else showFindings(refused(answer.error), asked, false);
    } catch {
      if (round === newest) showNone();
    }
  }

  // What was found in an earlier text says nothing of this one.
  function showNone() {
    foundIn = "";
    editor.setFindings([]);
    const list = form.querySelector("[data-checks-list]");
    const item = line("warn", "triangle-alert", "");
    item.lastChild.append(tryAgain("The portal did not answer as expected.", () => (list.focus(), check())));
    list.tabIndex = -1;
    list.replaceChildren(item);
    tellWhetherCurrent();
    state("", "Not checked");
  }

  function refused(error) {
    const fields = Object.values(error?.fields ?? {}).flat();
    const found = fields.length ? fields : [{ message: error?.message ?? "It could not be checked." }];
    return found.map((item) => ({ severity: "error", ...item }));
  }

  // `asked` is what they were found in.
  function showFindings(findings, asked, empty, answer) {
    foundIn = JSON.stringify(asked);
    listFindings(findings, empty, answer);
    tellWhetherCurrent();
  }

  function listFindings(findings, empty, answer) {
    editor.setFindings(findings);
    form.querySelector("[data-as-script]").hidden = !findings.some((finding) => finding.script);
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

  // Earlier requests that differ in values alone, with what came of them.
  function showSimilar(earlier) {
    const card = form.querySelector("[data-similar]");
    card.hidden = earlier.length === 0;
    card.querySelector("ul").replaceChildren(
      ...earlier.map((one) => {
        const link = element("a", "", `${one.number}: ${one.title}`);
        link.href = `/queries/${one.id}/`;
        const rows = one.rows == null ? "" : `${one.rows.toLocaleString("en")} row${one.rows === 1 ? "" : "s"}`;
        const time = one.duration_ms == null ? "" : one.duration_ms < 1000 ? `${Math.round(one.duration_ms)} ms` : `${(one.duration_ms / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} s`;
        const said = [one.outcome, rows, time, `asked by ${one.author}`, new Date(one.submitted_at).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" })];
        return element("li", "is-note", icon("history", ""), element("div", "", link, document.createElement("br"), element("small", "", said.filter(Boolean).join(", "))));
      }),
    );
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

  // --- the draft, and sending ----------------------------------------------------------------------
  const draft = globalThis.RequestDraft.mount(form, token, parameters.written);
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
    sending = true;
    draft.left();
  });
  addEventListener("pageshow", (event) => event.persisted && (sending = false));

  // --- a file fills the editor; it is not another way in -------------------------------------------
  const MOST_BYTES = 2_000_000;
  const opener = form.querySelector("[data-open-file]");
  opener.hidden = false;
  opener.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    refuse("");
    if (file.size > MOST_BYTES) return refuse(`${file.name} has ${file.size.toLocaleString("en")} bytes; a statement may have ${MOST_BYTES.toLocaleString("en")}.`);
    try {
      editor.setText(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    } catch {
      refuse(`${file.name} is not UTF-8 text. Save it as UTF-8, then open it again.`);
    }
  });

  // What the page itself refuses of the statement stands at its field, as what the server refuses does.
  function refuse(text) {
    const place = form.querySelector("[data-refused]");
    place.hidden = text === "";
    place.replaceChildren(...(text ? [element("span", "field__error", icon("circle-alert", ""), element("span", "", text))] : []));
  }

  // --- the layout of SQL ---------------------------------------------------------------------------
  function loadFormatter() {
    return new Promise((loaded, failed) => {
      if (globalThis.QueryFormatter) return loaded();
      const script = document.createElement("script");
      script.src = form.dataset.formatter;
      script.addEventListener("load", loaded);
      script.addEventListener("error", failed);
      document.head.append(script);
    });
  }

  form.querySelector("[data-format]").addEventListener("click", async () => {
    refuse("");
    try {
      await loadFormatter();
      const laid = globalThis.QueryFormatter.format(area.value);
      if (laid !== area.value) editor.setText(laid);
    } catch {
      refuse("This text was not laid out: it could not be read as SQL.");
    }
    editor.focus();
  });

  follow();
  const told = JSON.parse(document.getElementById("found").textContent);
  if (told.length) editor.setFindings(told);
  if (area.value.trim()) check();
}
