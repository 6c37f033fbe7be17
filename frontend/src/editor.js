// The statement editor: CodeMirror 6 over a plain textarea, which stays the field that is sent.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript, javascriptLanguage } from "@codemirror/lang-javascript";
import { PostgreSQL } from "@codemirror/lang-sql";
import { LanguageSupport, bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
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
import { collectionText, fieldText, shellCompletion } from "./shell-completion.js";
import { quoted, sqlCompletion, tableName } from "./sql-completion.js";
import { templateCompletion } from "./template-completion.js";

// The same characters that the review page shows as chips: formats, controls, private use, odd white space.
const HIDDEN = /[\p{Cf}\p{Co}\p{Zl}\p{Zp}\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f]/gu;

// How long after Escape a Tab leaves the editor.
const LEAVING_MS = 2000;

function chip(code) {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const element = document.createElement("span");
  element.className = "hidden-char";
  element.textContent = `<${name}>`;
  element.title = `${name}: a character that cannot be seen`;
  return element;
}

// What is written, and what can be completed in it: `tables` and `searchPath` of the target, the names of `methods` that
// its shell or its scripts have, `templates` of the pod.
const NOTHING = { language: "sql", tables: [], searchPath: [], methods: { database: [], collection: [] }, templates: [] };

function languageSupport(spoken) {
  const { language, tables, methods, templates } = spoken;
  if (language === "sql") return new LanguageSupport(PostgreSQL.language, PostgreSQL.language.data.of({ autocomplete: sqlCompletion(spoken) }));
  const completion = [shellCompletion(tables, methods), templateCompletion(templates)].map((autocomplete) => javascriptLanguage.data.of({ autocomplete }));
  // The snippets and names of JavaScript are a script's; a query of the shell is one call.
  return language === "script" ? [javascript(), completion] : new LanguageSupport(javascriptLanguage, completion);
}

function offset(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
  // Columns are counted in characters, as people and Python count; the editor counts UTF-16 units.
  const before = [...at.text].slice(0, Math.max((column ?? 1) - 1, 0)).join("");
  return { from: Math.min(at.from + before.length, at.to), to: at.to };
}

// What is typed over a selection the browser would give the looks of what stood there, by a style of its own: it is put
// in here instead, past the same extensions.
function typeOver(event, view) {
  const { main, ranges } = view.state.selection;
  if (event.inputType !== "insertText" || !event.data || event.isComposing || view.composing || ranges.every((range) => range.empty)) return false;
  const typed = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, event.data, typed))) view.dispatch(typed());
  return true;
}

const before = (view) => view.state.sliceDoc(Math.max(view.state.selection.main.from - 10, 0), view.state.selection.main.from);

function insert(view, text) {
  const space = /[\w"]$/.test(before(view)) && /^[\w"]/.test(text) ? " " : "";
  view.dispatch(view.state.replaceSelection(space + text));
  view.focus();
}

// The library says of its list that it is expanded, which no list can be, and has none reach it who scrolls by keyboard.
function mendCompletions() {
  const list = document.querySelector(".cm-tooltip-autocomplete > [role=listbox]");
  list?.removeAttribute("aria-expanded");
  list?.setAttribute("tabindex", "0");
}

function mount(area, { completes = true, onChange = () => {}, onSend = () => {}, onCursor = () => {} } = {}) {
  const nonce = document.querySelector('meta[name="csp-nonce"]')?.content ?? "";
  const language = new Compartment();
  let current = NOTHING;
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
        // Escape, then Tab leaves the editor, whatever else Escape closes on the way.
        Prec.highest(keymap.of([{ key: "Escape", run: (view) => (view.setTabFocusMode(LEAVING_MS), false) }])),
        EditorView.domEventHandlers({ beforeinput: typeOver }),
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
        autocompletion({ icons: false, activateOnTyping: completes }),
        tooltips({ parent: document.querySelector("main") ?? document.body }),
        language.of(languageSupport(current)),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (completionStatus(update.state) !== null) mendCompletions();
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
    speak(spoken) {
      current = { ...NOTHING, ...spoken };
      view.dispatch({ effects: language.reconfigure(languageSupport(current)) });
    },
    setText(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    insertTable(table) {
      if (current.language === "sql") return insert(view, tableName(table, current.searchPath));
      if (current.methods.collection.length === 0) return insert(view, table.name);
      insert(view, `${/\bdb$/.test(before(view)) ? "" : "db"}${collectionText(table.name)}`);
    },
    insertColumn(column) {
      insert(view, current.language === "sql" ? quoted(column.name) : fieldText(column.name));
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
