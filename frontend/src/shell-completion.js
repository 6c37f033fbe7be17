// Completion of MongoDB queries and of scripts: only what holds there, as the page was told.

const SIMPLE = /^[A-Za-z_$][\w$]*$/;
// How far back a call's collection is looked for.
const REACH = 20_000;
const COLLECTION = /\bdb(?:\.getCollection\(\s*["']([^"']+)["']\s*\)|\.([\w$]+))\s*\.\s*\w+\s*\(/g;

const methods = (names) => names.map((label) => ({ label, type: "function" }));

// A method of the database has the same dot before it as a collection.
export function collectionText(name) {
  return SIMPLE.test(name) ? `.${name}` : `.getCollection(${JSON.stringify(name)})`;
}

export function fieldText(name) {
  return SIMPLE.test(name) ? name : JSON.stringify(name);
}

function collections(tables) {
  return tables.map((table) => ({
    label: table.name,
    type: "class",
    detail: table.kind,
    apply: (view, _, from, to) => view.dispatch({ changes: { from: from - 1, to, insert: collectionText(table.name) }, selection: { anchor: from - 1 + collectionText(table.name).length } }),
  }));
}

function fields(context, tables) {
  const word = context.matchBefore(/[{,]\s*["']?[\w.$]*$/);
  if (!word) return null;
  const start = Math.max(context.pos - REACH, 0);
  const calls = [...context.state.sliceDoc(start, context.pos).matchAll(COLLECTION)];
  const named = calls.at(-1)?.slice(1).find(Boolean);
  const table = tables.find((one) => one.name === named);
  const typed = /["']?([\w.$]*)$/.exec(word.text);
  if (!table || (!context.explicit && typed[1] === "")) return null;
  const options = table.columns.map((column) => ({ label: column.name, detail: [column.type, column.personal ? "personal" : ""].filter(Boolean).join(" · "), type: "property", apply: typed[0].length > typed[1].length ? column.name : fieldText(column.name) }));
  return { from: context.pos - typed[1].length, options, validFor: /^[\w.]*$/ };
}

// `offered` are the names of methods: of `db`, and of a collection, where the engine has any.
export function shellCompletion(tables, { database, collection }) {
  return (context) => {
    const method = collection.length > 0 && context.matchBefore(/\bdb(?:\.[\w$]+|\.getCollection\(\s*["'][^"']+["']\s*\))\.\w*$/);
    if (method) return { from: method.from + method.text.lastIndexOf(".") + 1, options: methods(collection), validFor: /^\w*$/ };
    const first = context.matchBefore(/\bdb\.\w*$/);
    if (first) {
      const listed = collection.length > 0 ? collections(tables) : [];
      return { from: first.from + 3, options: [...listed, ...methods(database).map((option) => ({ ...option, boost: -1 }))], validFor: /^\w*$/ };
    }
    return collection.length > 0 ? fields(context, tables) : null;
  };
}
