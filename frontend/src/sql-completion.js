// Completion of SQL: columns of the tables in reach first, then tables, keywords and templates.
import { PostgreSQL, keywordCompletionSource } from "@codemirror/lang-sql";
import { tokens } from "./sql-tokens.js";
import { templateOptions } from "./template-completion.js";

// As much of a long text as is looked at on either side of the cursor.
const REACH = 50_000;
const MOST = 80;
const PLAIN = /^[a-z_][a-z0-9_$]*$/;
// Words that PostgreSQL takes for no name, alias or column unless they are quoted.
const RESERVED = new Set(
  ("all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation column concurrently constraint create cross " +
    "current_catalog current_date current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for " +
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not " +
    "notnull null offset on only or order outer overlaps placing primary references returning right select session_user similar some symmetric table tablesample then to " +
    "trailing true union unique user using variadic verbose when where window with").split(" "),
);
const NO_ALIAS = new Set([...RESERVED, "set", "values", "when", "matched"]);
const LEADS_TO_TABLE = new Set(["from", "join", "update", "into", "table", "using"]);
const CLAUSES = new Set([...LEADS_TO_TABLE, "select", "where", "on", "set", "by", "having", "returning", "values", "limit", "as"]);
const [COLUMNS, TABLES, KEYWORDS] = ["Columns", "Tables", "Keywords"].map((name, rank) => ({ name, rank }));

// A name as it is written where it would otherwise be read as another, or as a keyword.
export const quoted = (name) => (PLAIN.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`);

// A name as the server compares it.
const meant = (token) => (token.kind === "quoted" ? token.text.replace(/^"|"$/g, "").replaceAll('""', '"') : token.text.toLowerCase());
const isName = (token) => token !== undefined && (token.kind === "word" || token.kind === "quoted");

export function tableName(table, searchPath) {
  const visible = searchPath.length === 0 || searchPath.includes(table.schema);
  return visible ? quoted(table.name) : `${quoted(table.schema)}.${quoted(table.name)}`;
}

// The statement around the cursor, without what is no code.
function around(found, at) {
  const code = found.filter((token) => token.kind !== "space" && token.kind !== "comment");
  let first = 0;
  let last = code.length;
  code.forEach((token, i) => {
    if (token.text !== ";" || token.kind !== "sign") return;
    if (token.from < at) first = i + 1;
    else last = Math.min(last, i);
  });
  return code.slice(first, last);
}

// What follows FROM, JOIN, UPDATE, INTO, USING: {schema, name, alias} for each name, wherever in the statement it stands.
function relations(code) {
  const found = [];
  for (let i = 0; i < code.length; i += 1) {
    if (code[i].kind !== "word" || !LEADS_TO_TABLE.has(code[i].text.toLowerCase())) continue;
    let next = i + 1;
    do {
      next = relation(code, next, found);
    } while (code[next]?.text === "," && ++next);
  }
  return found;
}

function relation(code, start, found) {
  let i = start;
  while (code[i]?.kind === "word" && ["only", "lateral", "exists", "if", "not"].includes(code[i].text.toLowerCase())) i += 1;
  if (!isName(code[i]) || (code[i].kind === "word" && RESERVED.has(code[i].text.toLowerCase()))) return i;
  const names = [meant(code[i])];
  for (i += 1; code[i]?.text === "." && isName(code[i + 1]); i += 2) names.push(meant(code[i + 1]));
  if (code[i]?.text === "*") i += 1;
  if (code[i]?.kind === "word" && code[i].text.toLowerCase() === "as") i += 1;
  let alias = names.at(-1);
  if (isName(code[i]) && !(code[i].kind === "word" && NO_ALIAS.has(code[i].text.toLowerCase()))) alias = meant(code[i++]);
  found.push({ schema: names.length > 1 ? names.at(-2) : "", name: names.at(-1), alias });
  return i;
}

// The names that WITH gives to its queries.
function given(code) {
  return code
    .filter((token, i) => isName(token) && code[i + 1]?.text.toLowerCase() === "as" && /^(?:\(|not|materialized)$/i.test(code[i + 2]?.text ?? "") && /^(?:with|recursive|,)$/i.test(code[i - 1]?.text ?? ""))
    .map(meant);
}

// Whether a FROM at the end is that of `extract(year FROM at)` and its like.
function isArgument(before) {
  let depth = 0;
  for (let i = before.length - 1; i > 0; i -= 1) {
    if (before[i].text === ")") depth += 1;
    else if (before[i].text === "(" && --depth < 0) return /^(?:extract|substring|trim|overlay)$/i.test(before[i - 1].text);
  }
  return false;
}

// Whether a table is what comes next: after FROM and its like, and after a comma in their lists.
function wantsTable(before) {
  const last = before.at(-1);
  if (last === undefined) return false;
  if (/^from$/i.test(last.text) && isArgument(before)) return false;
  if (last.kind === "word" && (LEADS_TO_TABLE.has(last.text.toLowerCase()) || last.text.toLowerCase() === "only")) return true;
  if (last.text !== ",") return false;
  let depth = 0;
  for (const token of [...before].reverse()) {
    if (token.text === ")") depth += 1;
    else if (token.text === "(" && --depth < 0) return false;
    else if (depth === 0 && token.kind === "word" && CLAUSES.has(token.text.toLowerCase()) && token.text.toLowerCase() !== "as") return /^(?:from|using)$/i.test(token.text);
  }
  return false;
}

function fits(name, word) {
  const [own, wanted] = [name.toLowerCase(), word.toLowerCase()];
  if (own.startsWith(wanted)) return 0;
  const at = own.indexOf(`_${wanted}`);
  if (at >= 0) return at + 1;
  return wanted.length > 2 && own.includes(wanted) ? own.indexOf(wanted) : -1;
}

const detail = (column) => [column.type, column.key ? "key" : "", column.personal ? "personal" : ""].filter(Boolean).join(" · ");

export function sqlCompletion({ tables, searchPath, templates }) {
  const keywords = keywordCompletionSource(PostgreSQL, true);
  const lookUp = ({ schema, name }) => tables.find((table) => table.name === name && (schema === "" || table.schema === schema));

  function columns(found, qualified) {
    const known = found.map((one) => ({ ...one, table: lookUp(one) })).filter((one) => one.table);
    const times = new Map();
    for (const { table } of known) for (const { name } of table.columns) times.set(name, (times.get(name) ?? 0) + 1);
    return known.flatMap(({ alias, table }) =>
      table.columns.map((column) => {
        const apart = !qualified && times.get(column.name) > 1;
        const displayed = apart ? `${alias}.${column.name}` : column.name;
        return { label: column.name, displayLabel: displayed, apply: apart ? `${quoted(alias)}.${quoted(column.name)}` : quoted(column.name), detail: detail(column), type: "property", section: COLUMNS };
      }),
    );
  }

  const named = (schema) =>
    tables
      .filter((table) => schema === undefined || table.schema === schema)
      .map((table) => ({ label: table.name, apply: schema === undefined ? tableName(table, searchPath) : quoted(table.name), detail: table.kind, type: "class", section: TABLES }));

  function after(names, found) {
    const [qualifier, schema] = [names.at(-1), names.at(-2) ?? ""];
    const relation = found.find((one) => lookUp(one) !== undefined && (one.alias === qualifier || (one.name === qualifier && (schema === "" || one.schema === schema))));
    if (relation) return columns([relation], true);
    return [...columns([{ schema, name: qualifier, alias: qualifier }], true), ...named(qualifier)];
  }

  return (context) => {
    const start = Math.max(context.pos - REACH, 0);
    const text = context.state.sliceDoc(start, Math.min(context.pos + REACH, context.state.doc.length));
    const at = context.pos - start;
    const all = tokens(text);
    const touching = all.find((token) => token.from < at && at <= token.to && token.kind !== "space" && token.kind !== "sign");
    // At its very end a comment of one line goes on; a string that is closed does not.
    if (touching && (touching.kind === "comment" || touching.kind === "string")) return null;
    const from = touching ? touching.from : at;
    const word = touching ? text.slice(from, at).replace(/^"/, "") : "";
    const code = around(all, at);
    const before = code.filter((token) => token.to <= from);
    const found = relations(code);
    const dotted = before.at(-1)?.text === ".";
    if (!context.explicit && !dotted && (word === "" || /^\d/.test(word))) return null;
    let options;
    if (dotted) {
      const names = [];
      for (let i = before.length - 1; before[i]?.text === "." && isName(before[i - 1]); i -= 2) names.unshift(meant(before[i - 1]));
      options = names.length ? after(names, found) : [];
    } else {
      const listed = keywords(context)?.options ?? [];
      if (!context.explicit && listed.some(({ label }) => label.toLowerCase() === word.toLowerCase())) return null;
      const lower = word !== "" && word === word.toLowerCase();
      const ctes = given(code).map((name) => ({ label: name, apply: quoted(name), detail: "of WITH", type: "class", section: TABLES }));
      options = [
        ...(wantsTable(before) ? [] : columns(found, false)),
        ...ctes,
        ...named(),
        ...listed.filter(({ label }) => touching?.kind !== "quoted" && label.toLowerCase().startsWith(word.toLowerCase())).map(({ label }) => ({ label: lower ? label.toLowerCase() : label.toUpperCase(), type: "keyword", section: KEYWORDS })),
        ...templateOptions(templates),
      ];
    }
    const shown = options
      .map((option) => ({ option, fit: fits(option.label, word) }))
      .filter(({ option, fit }) => fit >= 0 && (context.explicit || option.label !== word))
      .sort((one, other) => one.option.section.rank - other.option.section.rank || (one.fit > 0) - (other.fit > 0));
    if (!shown.length) return null;
    // A quote that was typed is part of what is replaced, and so is the one that was closed for it.
    const to = touching?.kind === "quoted" && text.slice(at, touching.to) === '"' ? touching.to : at;
    return {
      from: start + from,
      to: start + to,
      filter: false,
      options: shown.slice(0, MOST).map(({ option }) => option),
      getMatch: (option) => {
        const offset = (option.displayLabel ?? option.label).length - option.label.length;
        const fit = fits(option.label, word);
        return word && fit >= 0 ? [fit + offset, fit + offset + word.length] : [];
      },
    };
  };
}
