// What a target holds, beside the editor: tables or collections with their columns, each of which can be put into the text.
"use strict";

globalThis.RequestParts = (() => {
  // Of a long list the finder leads to the rest.
  const MOST = 300;
  const OPEN_AT_ONCE = 5;
  // The portal itself gives up on a target long before.
  const PATIENCE_MS = 30_000;

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

  // Why something is not there, and a button that asks for it again.
  function tryAgain(message, again) {
    const button = element("button", "btn btn--s", "Try again");
    button.type = "button";
    button.addEventListener("click", again);
    const words = element("p", "", message);
    words.setAttribute("role", "status");
    return element("div", "again", words, button);
  }

  // What the editor needs of a column beside its name: whether it is of the key, and personal.
  function withKeys(table) {
    const leads = new Map(table.references.map(({ column, table: to }) => [column, to]));
    const columns = table.columns.map((column) => ({ ...column, key: table.primary_key.includes(column.name), leads: leads.get(column.name) ?? "" }));
    return { ...table, columns };
  }

  // `form` holds the card; `editor` is asked to insert; `loaded(slug)` is called when a target's tables came.
  function schemaPanel(form, editor, loaded) {
    const known = new Map();
    const card = form.querySelector("[data-schema-card]");
    const state = form.querySelector("[data-schema-state]");
    const tree = form.querySelector("[data-schema-tree]");
    const finder = document.getElementById("schema-find");
    let current = { slug: "", engine: "" };

    const noun = () => (current.engine === "mongodb" ? ["Collections", "collection", "field"] : ["Tables", "table", "column"]);

    async function follow(slug, engine) {
      current = { slug, engine };
      const [title, one, part] = noun();
      document.getElementById("h-schema").textContent = title;
      finder.placeholder = `Find a ${one} or ${part}`;
      finder.labels[0].textContent = finder.placeholder;
      tree.setAttribute("aria-label", `${title} and ${part}s`);
      card.hidden = slug === "";
      if (slug === "" || known.has(slug)) return show();
      tree.replaceChildren();
      state.textContent = "Reading…";
      try {
        known.set(slug, await read(slug));
      } catch (error) {
        if (slug === current.slug) fail(error, slug, engine);
        return;
      }
      if (slug === current.slug) show();
      loaded(slug);
    }

    // Raises an error with the portal's own words, where it had any.
    async function read(slug) {
      const address = `${form.dataset.schema}${encodeURIComponent(slug)}/schema/`;
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
      const body = await answer?.json().catch(() => null);
      if (!answer?.ok || !body) throw new Error(body?.error?.message ?? "The portal did not answer as expected.");
      return { tables: body.tables.map(withKeys), searchPath: body.search_path };
    }

    function fail(error, slug, engine) {
      state.textContent = "Not available";
      const again = () => (tree.focus(), follow(slug, engine));
      tree.replaceChildren(tryAgain(error.message, again));
    }

    function show() {
      const found = known.get(current.slug);
      if (!found) return;
      const words = finder.value.trim().toLowerCase();
      const fits = (name) => name.toLowerCase().includes(words);
      const shown = found.tables.filter((table) => !words || fits(table.name) || table.columns.some((column) => fits(column.name)));
      const [, one] = noun();
      const counted = (number) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
      state.textContent = words ? `${shown.length.toLocaleString("en")} of ${counted(found.tables.length)}` : counted(found.tables.length);
      tree.replaceChildren(...shown.slice(0, MOST).map((table) => branch(table, found.searchPath, words !== "" && shown.length <= OPEN_AT_ONCE)));
      if (shown.length > MOST) tree.append(element("p", "blank", `${(shown.length - MOST).toLocaleString("en")} more: find them by name.`));
    }

    function branch(table, searchPath, open) {
      const named = searchPath.length > 0 && !searchPath.includes(table.schema) ? `${table.schema}.${table.name}` : table.name;
      const details = element("details", "");
      details.open = open;
      const name = element("span", "tree__name", named);
      const summary = element("summary", "", icon("chevron-right", "chev"), icon("table-2", ""), name);
      const about = [table.kind === "table" || table.kind === "collection" ? "" : table.kind, table.estimated_rows == null ? "" : `about ${table.estimated_rows.toLocaleString("en")} ${current.engine === "mongodb" ? "document" : "row"}${table.estimated_rows === 1 ? "" : "s"}`];
      summary.append(element("span", "muted num", about.filter(Boolean).join(", ")));
      const put = element("button", "tree__put", icon("plus", ""), `Insert ${named}`);
      put.type = "button";
      put.addEventListener("click", () => editor().insertTable(table));
      const said = table.comment ? [element("p", "tree__said", table.comment)] : [];
      details.append(summary, ...said, put, ...table.columns.map(leaf));
      return details;
    }

    function leaf(column) {
      const marks = [];
      if (column.key) marks.push(element("span", "pill", "key"));
      if (column.leads) marks.push(element("span", "muted", `→ ${column.leads}`));
      if (column.personal) marks.push(element("span", "pill pill--warn", "personal"));
      const parts = [column.name, ...marks, element("span", "muted tree__type", column.type)];
      // What a click does comes before what it shows, for those who hear it.
      const made = element("button", "tree__leaf", element("span", "vh", "Insert "), ...parts.flatMap((part) => [part, " "]));
      made.type = "button";
      made.addEventListener("click", () => editor().insertColumn(column));
      return made;
    }

    finder.addEventListener("input", show);
    return { follow, of: (slug) => known.get(slug) ?? { tables: [], searchPath: [] } };
  }

  return { element, icon, tryAgain, schemaPanel };
})();
