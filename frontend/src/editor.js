// The statement editor: CodeMirror 6 over a plain textarea, which stays the field that is sent.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript, javascriptLanguage } from "@codemirror/lang-javascript";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  tooltips,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

// The same characters that the review page shows as chips: formats, controls, private use, odd white space.
const HIDDEN = /[\p{Cf}\p{Co}\p{Zl}\p{Zp}\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f]/gu;

function chip(code) {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const element = document.createElement("span");
  element.className = "hidden-char";
  element.textContent = `<${name}>`;
  element.title = `${name}: a character that cannot be seen`;
  return element;
}

const METHODS = ["find", "findOne", "aggregate", "countDocuments", "distinct", "insertOne", "insertMany", "updateOne", "updateMany", "replaceOne", "deleteOne", "deleteMany"];

function collections(schema) {
  return (context) => {
    const method = context.matchBefore(/\bdb\.\w+\.\w*$/);
    if (method) {
      const from = method.from + method.text.lastIndexOf(".") + 1;
      return { from, options: METHODS.map((label) => ({ label, type: "function" })), validFor: /^\w*$/ };
    }
    const collection = context.matchBefore(/\bdb\.\w*$/);
    if (!collection) return null;
    return {
      from: collection.from + 3,
      options: schema.map((table) => ({ label: table.name, type: "class", detail: table.kind })),
      validFor: /^\w*$/,
    };
  };
}

function sqlSchema(tables) {
  const schema = {};
  for (const table of tables) {
    const children = table.columns.map((column) => ({ label: column.name, detail: column.type, type: "property", boost: 1 }));
    schema[table.name] ??= { self: { label: table.name, type: "class", detail: table.kind }, children };
  }
  return schema;
}

function languageSupport(language, tables) {
  if (language === "sql") return sql({ dialect: PostgreSQL, schema: sqlSchema(tables) });
  return [javascript(), javascriptLanguage.data.of({ autocomplete: collections(tables) })];
}

function offset(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
  // Columns are counted in characters, as people and Python count; the editor counts UTF-16 units.
  const before = [...at.text].slice(0, Math.max((column ?? 1) - 1, 0)).join("");
  return { from: Math.min(at.from + before.length, at.to), to: at.to };
}

function mount(area, { onChange = () => {}, onSend = () => {}, onCursor = () => {} } = {}) {
  const nonce = document.querySelector('meta[name="csp-nonce"]')?.content ?? "";
  const language = new Compartment();
  let current = { name: "sql", tables: [] };
  const view = new EditorView({
    parent: area.parentElement,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        EditorView.cspNonce.of(nonce),
        EditorView.contentAttributes.of({
          "aria-label": area.getAttribute("aria-label") ?? "Statement",
          "aria-describedby": area.getAttribute("aria-describedby") ?? "",
          tabindex: "0",
        }),
        keymap.of([{ key: "Mod-Enter", run: () => (onSend(), true) }]),
        lintGutter(),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        highlightSpecialChars({ specialChars: HIDDEN, render: chip }),
        highlightSelectionMatches(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        syntaxHighlighting(classHighlighter),
        autocompletion({ icons: false }),
        tooltips({ parent: document.body }),
        language.of(languageSupport(current.name, current.tables)),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            area.value = update.state.doc.toString();
            onChange();
          }
          if (update.docChanged || update.selectionSet) {
            const head = update.state.selection.main.head;
            const line = update.state.doc.lineAt(head);
            onCursor(line.number, [...line.text.slice(0, head - line.from)].length + 1);
          }
        }),
      ],
    }),
  });
  area.hidden = true;
  return {
    setLanguage(name, tables = current.tables) {
      current = { name, tables };
      view.dispatch({ effects: language.reconfigure(languageSupport(name, tables)) });
    },
    setText(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setFindings(findings) {
      const marks = findings
        .filter((finding) => finding.line)
        .map((finding) => ({
          ...offset(view.state.doc, finding.line, finding.column),
          severity: finding.severity,
          message: [finding.message, finding.hint].filter(Boolean).join(" "),
        }));
      view.dispatch(setDiagnostics(view.state, marks));
    },
    goTo(line, column) {
      const { from } = offset(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
  };
}

globalThis.QueryEditor = { mount };
