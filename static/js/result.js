// The page of a result: cells are chosen, copied and opened beside the table. Without it, rows and values have pages.
// A module, so that its names are its own; `part` and `dress` are those of every page.

for (const tab of document.querySelectorAll("[data-chart-tab]")) tab.hidden = false;

const grid = document.querySelector("[data-grid]");
const table = grid?.querySelector("table");

// --- pinned columns stand beside each other --------------------------------------------------------
function pin() {
  let left = 0;
  for (const head of table.tHead.rows[0].querySelectorAll(".is-pinned")) {
    for (const row of [table.tHead.rows[0], ...table.tBodies[0].rows]) row.cells[head.cellIndex].style.left = `${left}px`;
    left += head.offsetWidth;
  }
}
if (table?.querySelector("th.is-pinned")) pin();

// --- cells are chosen ------------------------------------------------------------------------------
// From where to where, in rows and cells of the table; the cells of the numbers are none.
let from = null;
let to = null;

const at = (cell) => ({ row: cell.parentElement.sectionRowIndex, column: cell.cellIndex });
const cellAt = ({ row, column }) => table.tBodies[0].rows[row]?.cells[column];
const among = (one, two, value) => value >= Math.min(one, two) && value <= Math.max(one, two);

function choose(cell, extend) {
  const place = at(cell);
  if (place.column < 1) return;
  if (!extend || !from) from = place;
  to = place;
  for (const row of table.tBodies[0].rows) {
    for (const other of row.cells) {
      const chosen = other.cellIndex > 0 && among(from.row, to.row, row.sectionRowIndex) && among(from.column, to.column, other.cellIndex);
      other.classList.toggle("is-chosen", chosen);
      other.tabIndex = other === cell ? 0 : -1;
    }
  }
  cell.focus({ preventScroll: false });
  tell();
}

function tell() {
  const rows = Math.abs(from.row - to.row) + 1;
  const columns = Math.abs(from.column - to.column) + 1;
  const words = document.querySelector("[data-copying]");
  if (words) words.textContent = `The chosen cells: ${rows} × ${columns}. It is recorded as a look at them.`;
}

function forget() {
  from = to = null;
  for (const cell of table.querySelectorAll(".is-chosen")) cell.classList.remove("is-chosen");
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function key(event) {
  const cell = event.target.closest("td");
  if (!cell || event.target !== cell) return;
  const step = MOVES[event.key];
  if (step) {
    const { row, column } = at(cell);
    const next = cellAt({ row: row + step[0], column: column + step[1] });
    if (next && next.cellIndex > 0) choose(next, event.shiftKey);
  } else if (event.key === "Enter" || event.key === " ") {
    open(cell);
  } else if (event.key === "Escape") {
    forget();
  } else if (event.key.toLowerCase() === "c" && (event.ctrlKey || event.metaKey) && !String(getSelection())) {
    copyAs("tsv");
  } else {
    return;
  }
  event.preventDefault();
}

if (table) {
  const first = table.tBodies[0].rows[0]?.cells[1];
  if (first) first.tabIndex = 0;
  let dragged = false;
  table.addEventListener("pointerdown", (event) => {
    const cell = event.target.closest("td");
    dragged = false;
    if (cell && event.button === 0 && event.pointerType === "mouse" && !event.target.closest("a, summary, button")) choose(cell, event.shiftKey);
  });
  table.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("td");
    if (!cell || !from || event.buttons !== 1 || event.pointerType !== "mouse" || cell === cellAt(to)) return;
    dragged = true;
    getSelection().removeAllRanges();
    choose(cell, true);
  });
  table.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("td");
    if (cell && !dragged && !event.target.closest("a, summary, button")) open(cell);
  });
  table.addEventListener("keydown", key);
}

// --- a value is opened beside the table ------------------------------------------------------------
async function open(cell) {
  if (cell.cellIndex < 1) return;
  const row = cell.parentElement.cells[0].textContent.trim();
  const column = table.tHead.rows[0].cells[cell.cellIndex].dataset.column;
  const found = await part(`${location.pathname}cell/?row=${row}&column=${column}`, "cell").catch(() => null);
  if (!found) return location.assign(`${location.pathname}cell/?row=${row}&column=${column}`);
  show(found, cell);
}

function show(found, cell) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog dialog--side";
  dialog.setAttribute("aria-label", "Value");
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: "Close" });
  const end = Object.assign(document.createElement("div"), { className: "dialog__end" });
  end.append(close);
  dialog.append(found, end);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    cell.focus();
  });
  document.body.append(dialog);
  offer();
  dialog.showModal();
}

// --- copying: the server writes it, exactly --------------------------------------------------------
async function put(button, address) {
  const response = await fetch(address, { credentials: "same-origin" });
  const text = response.ok && !response.redirected ? await response.text() : null;
  if (text === null) return location.assign(address);
  await navigator.clipboard.writeText(text);
  const words = button?.lastChild;
  if (!words) return;
  const before = words.textContent;
  words.textContent = "Copied";
  setTimeout(() => (words.textContent = before), 1500);
}

// The rows and columns of the chosen cells, else those of the page.
function asked(form) {
  const data = new URLSearchParams(new FormData(form));
  if (!from) return data;
  const heads = table.tHead.rows[0].cells;
  const [first, last] = [Math.min(from.column, to.column), Math.max(from.column, to.column)];
  for (let column = first; column <= last; column += 1) data.append("column", heads[column].dataset.column);
  data.set("row", Number(form.elements.row.value) + Math.min(from.row, to.row));
  data.set("rows", Math.abs(from.row - to.row) + 1);
  return data;
}

function copyAs(name, button) {
  const form = document.getElementById("copy");
  const data = asked(form);
  data.set("as", name);
  put(button ?? form.closest("details").querySelector("summary"), `${form.action}?${data}`);
}

const copying = document.getElementById("copy");
if (copying && navigator.clipboard) {
  copying.addEventListener("submit", (event) => {
    event.preventDefault();
    copyAs(event.submitter.value, event.submitter);
  });
}

function offer() {
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-from]")) button.hidden = false;
}
offer();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-from]");
  if (button) put(button, button.dataset.copyFrom);
});
