// The named parameters of a new request: a row for each, added as its name is typed into the statement.
"use strict";

globalThis.RequestParameters = {
  mount(form, spoken, changed) {
    const fold = form.querySelector("[data-parameters]");
    const place = fold.querySelector("[data-rows]");
    const blank = fold.querySelector("template[data-row]");
    let made = 0;

    const rows = () => [...place.querySelectorAll("[data-parameter]")];
    const part = (row, name) => row.querySelector(`[data-part=${name}]`);
    const read = (row) => Object.fromEntries(["name", "type", "value", "given"].map((name) => [name, part(row, name).value]));
    const named = (row) => part(row, "name").value.trim().replace(/^(:|params\.)/, "");
    const untouched = (row) => named(row) === "" && part(row, "value").value.trim() === "";

    function add(values = {}) {
      const row = blank.content.firstElementChild.cloneNode(true);
      made += 1;
      for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace("NEW", String(1000 + made));
      for (const [name, value] of Object.entries(values)) part(row, name).value = value;
      place.append(row);
      dress(row);
      return row;
    }

    function dress(row) {
      const remove = row.querySelector("[data-remove-row]");
      remove.hidden = false;
      remove.addEventListener("click", () => {
        row.remove();
        fold.querySelector("[data-add-row]").focus();
        changed();
      });
      const label = () => row.setAttribute("aria-label", named(row) ? `Parameter ${named(row)}` : "A new parameter");
      part(row, "name").addEventListener("input", label);
      label();
    }

    // The server reads rows by number, from 0, in the order in which they stand.
    function number() {
      rows().forEach((row, i) => {
        for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace(/^named-\d+-/, `named-${i}-`);
      });
    }

    // The values for $1, $2, … as the server reads them when the form is sent: one a line, as JSON where that is a value.
    function placed() {
      return form.elements.parameters.value.split(/\r\n?|\n/).map((line) => line.trim()).filter((line) => line !== "").map((line) => {
        try {
          const found = JSON.parse(line, (_, value, { source } = {}) => (typeof value === "number" && String(value) !== source ? source ?? value : value));
          return typeof found === "object" && found !== null ? line : found;
        } catch {
          return line;
        }
      });
    }

    // As the API takes them. What has no value yet is null, so that the rest can be checked.
    function sent() {
      return [...placed(), ...withNames()];
    }

    function withNames() {
      return rows().filter((row) => !untouched(row)).map((row) => {
        const { type, value, given } = read(row);
        const of = type.startsWith("list of ") ? type.slice(8) : "";
        const kind = of ? { type: "list", of } : { type };
        const text = value.replace(/\r\n/g, "\n");
        if (given === "null" || (given === "value" && text.trim() === "")) return { name: named(row), ...kind, value: null };
        if (given === "empty") return { name: named(row), ...kind, value: of ? [] : "" };
        return { name: named(row), ...kind, value: of ? elements(text, of) : text };
      });
    }

    function elements(text, of) {
      if (text.trimStart().startsWith("[") && of !== "json") {
        try {
          const found = JSON.parse(text, (_, value, { source } = {}) => (typeof value === "number" ? source ?? String(value) : value));
          if (Array.isArray(found) && found.every((item) => typeof item === "string")) return found;
        } catch { /* then it is lines */ }
      }
      return text.split("\n").filter((line) => line.trim() !== "");
    }

    // Rows for the names that the statement has and nobody gave; whether there are new ones, or some are gone.
    function follow(findings) {
      const known = new Set(rows().map(named));
      const missing = findings.filter((finding) => finding.code === "parameter_missing" && finding.parameter && !known.has(finding.parameter));
      const unused = new Set(findings.filter((finding) => finding.code === "parameter_unused").map((finding) => finding.parameter));
      const gone = rows().filter((row) => row.dataset.follows && unused.has(named(row)) && part(row, "value").value.trim() === "" && !row.contains(document.activeElement));
      for (const row of gone) row.remove();
      for (const { parameter } of missing) add({ name: parameter }).dataset.follows = "true";
      if (missing.length) {
        fold.open = true;
        for (const row of rows()) if (untouched(row) && !row.contains(document.activeElement)) row.remove();
      }
      return missing.length > 0 || gone.length > 0;
    }

    // Rows for the parameters of a template, with their usual values; a name that has a row keeps it.
    function declare(parameters) {
      const known = new Set(rows().map(named));
      for (const { name, type, of = "text", usual } of parameters.filter((one) => !known.has(one.name))) {
        const none = usual === null ? "null" : usual === "" || usual?.length === 0 ? "empty" : "value";
        const value = Array.isArray(usual) ? lines(usual) : usual ?? "";
        add({ name, type: type === "list" ? `list of ${of}` : type, value, given: none });
        fold.open = true;
      }
    }

    const lines = (values) => (values.every((one) => one.trim() !== "" && !/[\r\n]/.test(one)) && !values[0]?.trimStart().startsWith("[") ? values.join("\n") : JSON.stringify(values));

    function speak() {
      fold.querySelector("[data-written-as]").textContent = spoken() === "sql" ? ":name" : "params.name";
      fold.querySelector("[data-written-more]").hidden = true;
    }

    function restore(text) {
      if (!text) return;
      for (const row of rows()) row.remove();
      for (const values of JSON.parse(text)) add(values);
      fold.open = true;
    }

    const adder = fold.querySelector("[data-add-row]");
    adder.hidden = false;
    adder.addEventListener("click", () => part(add(), "name").focus());
    form.addEventListener("submit", number);
    rows().forEach(dress);
    const written = () => {
      const kept = rows().filter((row) => !untouched(row)).map(read);
      return kept.length ? JSON.stringify(kept) : "";
    };
    return { sent, follow, declare, speak, restore, written };
  },
};
