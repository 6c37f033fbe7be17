"use strict";
// The trusted half of a confined child: reads one job from standard input, runs the author's text as the body of an
// async function, and speaks for it on standard output. Everything this file needs later is captured here, before any
// of the author's code runs, so that patching a prototype cannot forge a frame or read the secret that marks ours.
// loader.mjs runs it; it is a function's body.
//
// Frames: 4 bytes length (big-endian), then JSON in UTF-8. Ours put the job's secret before the JSON.
// The boundary is the operating system (executors/sandbox); the portal treats this channel as hostile all the same.

const { stdin, stdout, inspect } = Deno;
const readSync = stdin.readSync.bind(stdin);
const readAsync = stdin.read.bind(stdin);
const writeSync = stdout.writeSync.bind(stdout);
const apply = Reflect.apply;
const { create, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, getPrototypeOf, setPrototypeOf, keys, freeze } = Object;
const stringify = JSON.stringify;
const rawJSON = JSON.rawJSON;
const isRawJSON = JSON.isRawJSON;
const parse = JSON.parse;
const Bytes = Uint8Array;
const bytesPrototype = getPrototypeOf(Bytes.prototype);
const bytesSet = bytesPrototype.set;
const subarray = bytesPrototype.subarray;
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
const decode = TextDecoder.prototype.decode.bind(new TextDecoder());
const isArray = Array.isArray;
const isFiniteNumber = Number.isFinite;
const isSame = Object.is;
const objectPrototype = Object.prototype;
const isView = ArrayBuffer.isView;
const NativePromise = Promise;
const then = Promise.prototype.then;
const NativeError = Error;
const NativeTypeError = TypeError;
const NativeString = String;
const NativeDate = Date;
const getTime = Date.prototype.getTime;
const NativeMap = Map;
const NativeSet = Set;
const arrayFrom = Array.from;
const slice = String.prototype.slice;
const indexOf = String.prototype.indexOf;
const split = String.prototype.split;
const exec = RegExp.prototype.exec;
const test = RegExp.prototype.test;
const replaceAll = String.prototype.replaceAll;
const padEnd = String.prototype.padEnd;
const repeat = String.prototype.repeat;
const toNumber = Number;
const truncate = Math.trunc;
const least = Math.min;
const most = Math.max;
const hasOwn = Object.hasOwn;
const NativeProxy = Proxy;
const now = Date.now;
const AsyncFunction = (async () => {}).constructor;
const PlainFunction = Function;
const report = globalThis.reportError;
const resultSets = new WeakSet();
const addResultSet = WeakSet.prototype.add.bind(resultSets);
const isResultSet = WeakSet.prototype.has.bind(resultSets);
// Reading these loads Deno's timers, which takes longer than starting it: they are read when a script needs them.
const timerDescriptors = {
  setTimeout: getOwnPropertyDescriptor(globalThis, "setTimeout"),
  clearTimeout: getOwnPropertyDescriptor(globalThis, "clearTimeout"),
  setInterval: getOwnPropertyDescriptor(globalThis, "setInterval"),
};
const timer = (name) => {
  const { get, value } = timerDescriptors[name];
  return get ? apply(get, globalThis, []) : value;
};
const listen = EventTarget.prototype.addEventListener.bind(globalThis);

// The author's own lines may stand below many of ours.
NativeError.stackTraceLimit = 50;

// Reading `length` or making a subarray asks these; what is patched there would be handed our frames, secret included.
for (const own of [Bytes.prototype, bytesPrototype, Bytes, getPrototypeOf(Bytes)]) freeze(own);

const HEADER = 4;
const LOG_TEXT = 8192;
const LOG_LINES = 5000;
const ROWS_BLOCK = 131072;
const MOST_COLUMNS = 1000;
const AWAIT = "Put await before each call, or await Promise.all([…]); forEach does not wait for an async function.";
// Timers left behind that get a turn after the script has returned.
const MOST_LEFTOVERS = 100;
// Python reads no longer whole number, and neither do people.
const MOST_DIGITS = 4000;
// How deep in promises the author's code may be and still go first.
const TICKS = 64;
const SOURCE = "script.js";
// Where executors/script/imports.json sends every built-in module.
const REFUSED_MODULE = "refused:module";
// `new AsyncFunction` puts two lines before the text, and the directive stands before its first line.
const LINES_BEFORE = 2;
const STRICT = '"use strict";';

// --- the channel ---

let secret = new Bytes(0);
let timers = 0;
let finished = false;
// The author's function has returned: a call made now is one that nobody waited for.
let returned = false;
// Timers the script left behind are having their turn: what they log and what they reject no longer matters.
let leftovers = false;

// What was read and not yet used. Most frames fit it, and then cost one system call.
let inbox = new Bytes(65536);
let start = 0;
let end = 0;

const frameLength = () => ((inbox[start] << 24) | (inbox[start + 1] << 16) | (inbox[start + 2] << 8) | inbox[start + 3]) >>> 0;

// Room for `count` bytes from `start`.
function reserve(count) {
  if (start + count <= inbox.length) return;
  const kept = apply(subarray, inbox, [start, end]);
  const roomier = count > inbox.length ? new Bytes(count) : inbox;
  apply(bytesSet, roomier, [kept, 0]);
  inbox = roomier;
  end -= start;
  start = 0;
}

function arrived(count) {
  if (count === null) throw new NativeError("the portal is gone");
  end += count;
}

function need(count) {
  reserve(count);
  while (end - start < count) arrived(readSync(apply(subarray, inbox, [end])));
}

function receiveSync() {
  need(HEADER);
  const length = frameLength();
  need(HEADER + length);
  const from = start + HEADER;
  const message = parse(decode(apply(subarray, inbox, [from, from + length])));
  start = from + length;
  if (start === end) start = end = 0;
  return message;
}

// With a timer waiting, the wait for the first bytes must not block the event loop; without one, blocking is faster.
async function receive() {
  if (timers > 0 && end === start) {
    reserve(HEADER);
    arrived(await readAsync(apply(subarray, inbox, [end])));
  }
  return receiveSync();
}

function frameOf(message) {
  const text = encode(stringify(message));
  const length = secret.length + text.length;
  const frame = new Bytes(HEADER + length);
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  apply(bytesSet, frame, [secret, HEADER]);
  apply(bytesSet, frame, [text, HEADER + secret.length]);
  return frame;
}

function send(message) {
  const frame = frameOf(message);
  let written = 0;
  while (written < frame.length) written += writeSync(apply(subarray, frame, [written]));
}

const record = (fields) => setPrototypeOf(fields, null);

// --- database calls: one at a time, in the order they were made ---

let first = null;
let last = null;
let inFlight = null;
let pumping = false;

// What the engine's prelude makes of a field of an error.
let readField = null;

class DatabaseError extends NativeError {
  get name() {
    return "DatabaseError";
  }
}

// The error a failed call throws is made where the call is, so that its stack is the author's.
function call(operation, payload) {
  const failure = new DatabaseError("");
  if (returned) crash(unawaited(1, failure));
  return new NativePromise((resolve, reject) => {
    const request = record({ text: record({ type: "call", operation, payload }), resolve, reject, failure, next: null });
    if (last === null) first = request;
    else last.next = request;
    last = request;
    if (!pumping) {
      pumping = true;
      apply(then, pump(), [undefined, crash]);
    }
  });
}

async function pump() {
  while (first !== null) {
    // The author's code goes on to its own await, or returns, before this thread waits for the portal: what is still
    // open then does not depend on who was quicker.
    for (let i = 0; i < TICKS; i += 1) await undefined;
    if (finished) return;
    const request = first;
    first = request.next;
    if (first === null) last = null;
    inFlight = request;
    settle(request, (send(request.text), await receive()));
    inFlight = null;
  }
  pumping = false;
}

function settle(request, reply) {
  if (reply.error === undefined) {
    request.resolve(reply.value);
    return;
  }
  const { failure } = request;
  const frames = NativeString(failure.stack);
  const define = (name, value) => defineProperty(failure, name, record({ value, writable: true, configurable: true }));
  define("message", reply.error.message);
  define("code", reply.error.code);
  const { fields } = reply.error;
  for (const name of keys(fields)) define(name, readField === null ? fields[name] : readField(name, fields[name]));
  const own = authorFrames(frames);
  define("stack", `DatabaseError: ${reply.error.message}\n${own.text}`);
  request.reject(failure);
}

// The error of a script that ended before its calls had: it stands where the first of them was made.
function unawaited(count, failure) {
  const calls = count === 1 ? "A database call was" : `${count} database calls were`;
  const error = new NativeError(`${calls} still open when the script returned, so everything was rolled back. ${AWAIT}`);
  defineProperty(error, "name", record({ value: "" }));
  defineProperty(error, "stack", record({ value: failure.stack }));
  return error;
}

function openCalls() {
  // The one in flight is no longer in the list.
  let count = pumping && inFlight !== null ? 1 : 0;
  for (let request = first; request !== null; request = request.next) count += 1;
  return count;
}

// --- names that do not exist ---

// How many letters have to be typed anew to make one name of the other.
function distance(one, other) {
  let row = arrayFrom({ length: other.length + 1 }, (_, i) => i);
  for (let i = 0; i < one.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j += 1) {
      next[j + 1] = least(row[j + 1] + 1, next[j] + 1, row[j] + (one[i] === other[j] ? 0 : 1));
    }
    row = next;
  }
  return row[other.length];
}

// The end of a sentence about a name nobody knows: what may have been meant, or all there is.
function similar(name, known) {
  const near = record({ name: "", far: name.length > 30 ? 0 : 1 + name.length / 3 });
  for (const candidate of known) {
    const far = distance(name, candidate);
    if (far < near.far) {
      near.name = candidate;
      near.far = far;
    }
  }
  return near.name ? `; did you mean ${near.name}?` : `; there is ${known.join(", ")}`;
}

// The prototype of an object that has no more than the names it knows: any other is an error that says so.
function nothingElse(what, known) {
  return new NativeProxy(objectPrototype, {
    get(target, name) {
      if (typeof name === "symbol" || name in target || name === "then" || name === "toJSON") return target[name];
      throw new NativeTypeError(`${what} has no ${apply(slice, name, [0, 60])}${similar(name, known)}`);
    },
  });
}

// --- console ---

let logLines = 0;
// How far the lines of a group stand in.
let indented = "";
const MOST_INDENTED = 40;
const MOST_NAMES = 1000;
const TABLE_ROWS = 1000;
const TABLE_COLUMNS = 50;
const TABLE_CELL = 200;

const display = (value) => inspect(value, { depth: 4, iterableLimit: 50, strAbbreviateSize: 1000 });

function log(level, values) {
  if (logLines > LOG_LINES || finished || leftovers) return;
  logLines += 1;
  const from = typeof values[0] === "string" ? formatted(values) : { text: "", next: 0 };
  let { text } = from;
  for (let i = from.next; i < values.length && text.length < LOG_TEXT; i += 1) {
    text += (i ? " " : "") + (typeof values[i] === "string" ? values[i] : display(values[i]));
  }
  if (indented) text = indented + apply(replaceAll, text, ["\n", `\n${indented}`]);
  if (logLines > LOG_LINES) text = `(only the first ${LOG_LINES} lines are kept)`;
  else if (text.length > LOG_TEXT) text = `${apply(slice, text, [0, LOG_TEXT])}…`;
  send(record({ type: "log", level, text }));
}

const whole = (value) => (typeof value === "bigint" ? `${value}n` : typeof value === "symbol" ? "NaN" : NativeString(truncate(toNumber(value))));
const FORMATS = record({
  s: (value) => (typeof value === "object" || typeof value === "function" ? display(value) : NativeString(value)),
  d: whole,
  i: whole,
  f: (value) => (typeof value === "symbol" ? "NaN" : NativeString(toNumber(value))),
  o: display,
  O: display,
  j: (value) => stringify(value, plain) ?? "undefined",
  c: () => "",
});

// The first value with the ones after it in the places it names, and which value comes next.
function formatted(values) {
  const [pattern] = values;
  let text = "";
  let at = 0;
  let next = 1;
  for (let mark = apply(indexOf, pattern, ["%"]); mark >= 0 && mark < pattern.length - 1; mark = apply(indexOf, pattern, ["%", at])) {
    const letter = pattern[mark + 1];
    const known = letter === "%" || (FORMATS[letter] !== undefined && next < values.length);
    text += apply(slice, pattern, [at, known ? mark : mark + 2]);
    if (letter === "%" && values.length > 1) text += "%";
    else if (letter === "%") text += "%%";
    else if (known) text += FORMATS[letter](values[next++]);
    at = mark + 2;
    if (text.length > LOG_TEXT) break;
  }
  return { text: text + apply(slice, pattern, [at]), next };
}

// Rows and columns as lines of text; undefined for what is no table.
function tabulated(data, chosen) {
  if (typeof data !== "object" || data === null) return undefined;
  const rows = isResultSet(data) ? data.rows : data;
  const entries = [];
  if (rows instanceof NativeMap || rows instanceof NativeSet) arrayFrom(rows.entries(), (entry) => entries[entries.length] = entry);
  else for (const key of keys(rows)) entries[entries.length] = [key, rows[key]];
  const names = [""];
  const seen = create(null);
  const lines = [];
  let plainly = false;
  for (let i = 0; i < entries.length && i < TABLE_ROWS; i += 1) {
    const [key, value] = entries[i];
    const own = typeof value === "object" && value !== null && (isArray(value) || isRecord(value));
    plainly ||= !own;
    const line = record({ key, value, own });
    lines[lines.length] = line;
    const wanted = own ? chosen ?? keys(value) : [];
    for (let c = 0; c < wanted.length && names.length <= TABLE_COLUMNS; c += 1) {
      const name = NativeString(wanted[c]);
      if (seen[name] === undefined) names[names.length] = name;
      seen[name] = true;
    }
  }
  const shown = [plainly ? [...names, "value"] : names];
  for (let i = 0; i < lines.length; i += 1) {
    const { key, value, own } = lines[i];
    const cells = [tableCell(key)];
    for (let c = 1; c < names.length; c += 1) cells[c] = own && hasOwn(value, names[c]) ? tableCell(value[names[c]]) : "";
    if (plainly) cells[names.length] = own ? "" : tableCell(value);
    shown[shown.length] = cells;
  }
  const left = entries.length - lines.length;
  return ruled(shown) + (left > 0 ? `\n(and ${left} more)` : "");
}

function tableCell(value) {
  const text = apply(replaceAll, typeof value === "string" ? value : inspect(value, { depth: 1 }), ["\n", " "]);
  return text.length > TABLE_CELL ? `${apply(slice, text, [0, TABLE_CELL])}…` : text;
}

function ruled(rows) {
  const widths = [];
  for (const cells of rows) for (let c = 0; c < cells.length; c += 1) widths[c] = most(widths[c] ?? 0, cells[c].length);
  let text = "";
  for (let i = 0; i < rows.length && text.length < LOG_TEXT; i += 1) {
    let line = "";
    for (let c = 0; c < rows[i].length; c += 1) line += `${c ? " │ " : ""}${apply(padEnd, rows[i][c], [widths[c]])}`;
    text += `${i ? "\n" : ""}${line}`;
    if (i === 0) {
      text += "\n";
      for (let c = 0; c < widths.length; c += 1) text += `${c ? "─┼─" : ""}${apply(repeat, "─", [widths[c]])}`;
    }
  }
  return text;
}

// Counters and clocks by their labels.
function labels(what) {
  const known = new NativeMap();
  const text = (label) => apply(slice, NativeString(label), [0, 200]);
  const keep = (label, value) => {
    if (!known.has(label) && known.size >= MOST_NAMES) throw new NativeTypeError(`console keeps at most ${MOST_NAMES} ${what}`);
    known.set(label, value);
  };
  return { known, text, keep };
}

function makeConsole() {
  const made = {};
  for (const level of ["debug", "log", "info", "warn", "error"]) {
    made[level] = (...values) => log(level === "log" ? "info" : level, values);
  }
  made.trace = made.debug;
  made.dir = (value) => log("info", [value]);
  made.table = (data, chosen) => log("info", ["%s", tabulated(data, isArray(chosen) ? chosen : undefined) ?? data]);
  made.group = (...values) => {
    if (values.length > 0) log("info", values);
    if (indented.length < MOST_INDENTED) indented += "  ";
  };
  made.groupCollapsed = made.group;
  made.groupEnd = () => {
    indented = apply(slice, indented, [2]);
  };
  made.assert = (condition, ...values) => {
    if (condition) return;
    const [first, ...more] = values;
    log("error", typeof first === "string" ? [`Assertion failed: ${first}`, ...more] : ["Assertion failed", ...values]);
  };
  countAndTime(made);
  return freeze(made);
}

function countAndTime(made) {
  const counts = labels("counters");
  made.count = (label = "default") => {
    const name = counts.text(label);
    counts.keep(name, (counts.known.get(name) ?? 0) + 1);
    log("info", ["%s: %d", name, counts.known.get(name)]);
  };
  made.countReset = (label = "default") => {
    counts.known.delete(counts.text(label));
  };
  const clocks = labels("timers");
  const since = (label, values) => {
    const name = clocks.text(label);
    const started = clocks.known.get(name);
    if (started === undefined) log("warn", ["%s: no such timer", name]);
    else log("info", ["%s: %d ms", name, now() - started, ...values]);
    return name;
  };
  made.time = (label = "default") => clocks.keep(clocks.text(label), now());
  made.timeLog = (label = "default", ...values) => {
    since(label, values);
  };
  made.timeEnd = (label = "default") => {
    clocks.known.delete(since(label, []));
  };
}

// --- modules ---

function makeRequire(sources, allowed) {
  const loaded = create(null);
  return function require(name) {
    if (typeof name !== "string" || !allowed[name]) {
      const list = keys(allowed).join(", ") || "none";
      throw new NativeError(`require(${stringify(NativeString(name))}) is not allowed here; modules allowed on this target: ${list}`);
    }
    if (sources[name] === undefined) {
      throw new NativeError(`write the module's name out: require(${stringify(name)})`);
    }
    if (loaded[name] === undefined) {
      const module = { exports: {} };
      loaded[name] = module;
      new PlainFunction("module", "exports", `${sources[name]}\n//# sourceURL=module:${name}`)(module, module.exports);
    }
    return loaded[name].exports;
  };
}

// --- the result ---

// An object whose content JSON does not see: an Error, a RegExp, a Promise, a buffer …
function isOpaque(value) {
  if (typeof value !== "object" || value === null || isArray(value) || isRawJSON(value) || typeof value.toJSON === "function") return false;
  const prototype = getPrototypeOf(value);
  return prototype !== null && prototype !== objectPrototype && keys(value).length === 0;
}

const isCollection = (value) => value instanceof NativeMap || value instanceof NativeSet || (isView(value) && value.length !== undefined);
const isInvalidDate = (value) => value instanceof NativeDate && apply(getTime, value, []) !== apply(getTime, value, []);

// What JSON has no word for, in words: nothing that was returned is left out or becomes another value in silence.
function plain(key, value) {
  switch (typeof value) {
    case "bigint": {
      const digits = NativeString(value);
      return digits.length > MOST_DIGITS ? digits : rawJSON(digits);
    }
    case "number":
      if (!isFiniteNumber(value)) return NativeString(value);
      return isSame(value, -0) ? rawJSON("-0") : value;
    case "function": case "symbol": return inspect(value);
    case "object":
      if (value === null) return isInvalidDate(this[key]) ? "Invalid Date" : null;
      if (isCollection(value)) return arrayFrom(value);
      return isOpaque(value) ? shown(value) : value;
    default: return value;
  }
}

function shown(value) {
  return value instanceof NativeError ? `${NativeString(value.name)}: ${NativeString(value.message)}` : inspect(value, { depth: 2 });
}

function typeName(value) {
  if (value === null || value === undefined) return "null";
  if (isArray(value)) return "array";
  if (value instanceof NativeDate) return "date";
  return typeof value;
}

const isRecord = (value) =>
  typeof value === "object" && value !== null && !isArray(value) && typeof value.toJSON !== "function" &&
  !isRawJSON(value) && !isCollection(value) && !isOpaque(value);

// A cell by itself shows a BigInt as text, as its column says; inside a document it stays the number that it was.
function cell(value) {
  return stringify(typeof value === "bigint" ? NativeString(value) : value, plain) ?? "null";
}

// The table a returned value makes: an array is its elements, anything else one row; an object's keys are columns.
function tableOf(returned) {
  const query = typeof returned === "object" && isResultSet(returned);
  const value = query ? returned.rows : returned;
  const items = isArray(value) ? value : [value];
  let records = items.length > 0 || query;
  for (let i = 0; i < items.length && records; i += 1) records = isRecord(items[i]);
  const names = records ? [] : ["value"];
  const seen = create(null);
  for (let i = 0; query && records && i < returned.fields.length; i += 1) {
    const { name } = returned.fields[i];
    if (seen[name] === undefined) names[names.length] = name;
    seen[name] = true;
  }
  for (let i = 0; records && i < items.length; i += 1) {
    for (const name of keys(items[i])) {
      if (seen[name] !== undefined) continue;
      if (names.length === MOST_COLUMNS) throw new NativeTypeError(`the result has more than ${MOST_COLUMNS} different keys`);
      seen[name] = true;
      names[names.length] = name;
    }
  }
  return { items, names, records };
}

function columnTypes({ items, names, records }) {
  const types = [];
  for (let c = 0; c < names.length; c += 1) {
    let type = "null";
    for (let i = 0; i < items.length && type !== "mixed"; i += 1) {
      const found = typeName(records ? items[i][names[c]] : items[i]);
      if (found !== "null") type = type === "null" || type === found ? found : "mixed";
    }
    types[c] = [names[c], type];
  }
  return types;
}

function sendResult(value, limits, emit) {
  if (value === undefined) return "";
  const table = tableOf(value);
  emit(record({ type: "columns", columns: columnTypes(table) }));
  const { items, names, records } = table;
  let lines = [];
  let block = 0;
  let total = 0;
  let truncated = "";
  for (let i = 0; i < items.length && !truncated; i += 1) {
    let line = "[";
    for (let c = 0; c < names.length; c += 1) line += (c ? "," : "") + cell(records ? items[i][names[c]] : items[i]);
    line += "]";
    total += encode(line).length + 1;
    if (i >= limits.rows) truncated = "rows";
    else if (total > limits.bytes) truncated = "bytes";
    else {
      lines[lines.length] = line;
      block += line.length;
    }
    if (block >= ROWS_BLOCK) {
      emit(record({ type: "rows", lines }));
      lines = [];
      block = 0;
    }
  }
  if (lines.length) emit(record({ type: "rows", lines }));
  return truncated;
}

// --- errors, in the author's own lines ---

function position(line, column) {
  const own = line - LINES_BEFORE;
  return [own, own === 1 ? column - STRICT.length : column];
}

// The author's frames of a stack, innermost first, as text; and the place of the first.
function authorFrames(stack) {
  const frames = record({ text: "", line: 0, column: 0 });
  const lines = apply(split, apply(slice, stack, [0, 65536]), ["\n"]);
  for (let i = 0, kept = 0; i < lines.length && kept < 20; i += 1) {
    const found = apply(exec, /^\s+at (?:(.*) \()?script\.js(?:, <anonymous>)?:(\d+):(\d+)\)?$/, [lines[i]]);
    const again = found ?? apply(exec, /^\s+at (?:(.*), )?line (\d+), column (\d+)$/, [lines[i]]);
    if (again === null) continue;
    const at = found === null
      ? [toNumber(again[2]), toNumber(again[3])]
      : position(toNumber(found[2]), toNumber(found[3]));
    if (at[0] < 1) continue;
    if (!kept) {
      frames.line = at[0];
      frames.column = at[1];
    }
    const within = again[1] && again[1] !== "eval" && again[1] !== "async eval" ? `${apply(slice, again[1], [0, 200])}, ` : "";
    frames.text += `${kept ? "\n" : ""}    at ${within}line ${at[0]}, column ${at[1]}`;
    kept += 1;
  }
  return frames;
}

function describe(error) {
  let name = "Error";
  let message = "";
  let stack = "";
  try {
    if (error instanceof NativeError) {
      name = NativeString(error.name);
      message = NativeString(error.message);
      stack = NativeString(error.stack);
    } else message = inspect(error, { depth: 2 });
  } catch {
    message = "the error thrown could not be read";
  }
  if (apply(indexOf, message, [REFUSED_MODULE]) >= 0) message = "import() is not available in a script: use require(\"…\") with a module allowed on this target";
  const { text, line, column } = authorFrames(stack);
  return record({ type: "error", name, message: apply(slice, message, [0, LOG_TEXT]), stack: text, line, column });
}

function finish(message) {
  if (finished) return;
  finished = true;
  send(message);
}

const crash = (error) => finish(describe(error));
let uncaught = ({ error }) => {
  if (!leftovers) crash(error);
};

// --- the author's world ---

const ALLOWED = new Set([
  "Object", "Function", "Array", "Number", "parseFloat", "parseInt", "Infinity", "NaN", "undefined", "Boolean", "String",
  "Symbol", "Date", "Promise", "RegExp", "Error", "AggregateError", "EvalError", "RangeError", "ReferenceError",
  "SyntaxError", "TypeError", "URIError", "globalThis", "JSON", "Math", "Intl", "ArrayBuffer", "Uint8Array", "Int8Array",
  "Uint16Array", "Int16Array", "Uint32Array", "Int32Array", "BigUint64Array", "BigInt64Array", "Uint8ClampedArray",
  "Float16Array", "Float32Array", "Float64Array", "DataView", "Map", "BigInt", "Set", "Iterator", "WeakMap", "WeakSet",
  "Proxy", "Reflect", "WeakRef", "decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape",
  "unescape", "eval", "isFinite", "isNaN", "queueMicrotask", "TextDecoder", "TextEncoder", "URL", "URLSearchParams",
  "atob", "btoa", "structuredClone", "Temporal", "SuppressedError", "DisposableStack", "AsyncDisposableStack",
  "DOMException", "crypto",
]);

function removeGlobals() {
  for (const name of getOwnPropertyNames(globalThis)) {
    if (ALLOWED.has(name)) continue;
    if (!delete globalThis[name]) defineProperty(globalThis, name, { value: undefined });
  }
}

function give(name, value) {
  defineProperty(globalThis, name, { value, writable: false, enumerable: false, configurable: false });
}

function makeTimers() {
  const live = new Map();
  const native = create(null);
  let named = false;
  const load = () => {
    for (const name of keys(timerDescriptors)) native[name] = timer(name);
  };
  const allow = () => {
    named = true;
  };
  const forget = (id) => {
    if (live.delete(id)) timers -= 1;
  };
  // Those still waiting when the script has returned, soonest first: one that then calls the database fails the run.
  const runOut = async () => {
    leftovers = true;
    for (let count = 0; live.size > 0 && count < MOST_LEFTOVERS && !finished; count += 1) {
      let next = null;
      for (const [id, waiting] of live) if (next === null || waiting.due < next.due) next = record({ id, due: waiting.due, run: waiting.run });
      stop(next.id);
      try {
        next.run();
      } catch { /* nobody is left to see it */ }
      await turn();
    }
  };
  const start = (name, once) => (callback, delay, ...values) => {
    if (typeof callback !== "function") throw new NativeTypeError("a timer needs a function");
    if (!named) throw new NativeError("a script that uses timers has to name setTimeout or setInterval");
    const run = () => apply(callback, undefined, values);
    const wait = toNumber(delay) || 0;
    const id = native[name](() => {
      if (once) forget(id);
      run();
    }, wait);
    live.set(id, record({ due: now() + wait, run }));
    timers += 1;
    return id;
  };
  const stop = (id) => {
    if (!live.has(id)) return;
    forget(id);
    native.clearTimeout(id);
  };
  const giveAll = () => {
    give("setTimeout", start("setTimeout", true));
    give("setInterval", start("setInterval", false));
    give("clearTimeout", stop);
    give("clearInterval", stop);
  };
  return { load, allow, give: giveAll, runOut };
}

// Everything that is ready to run runs before the portal's word arrives. The reading begins before there is anything to
// read, so that its end comes with a round of the event loop, and never at once.
async function turn() {
  reserve(HEADER);
  const reading = readAsync(apply(subarray, inbox, [end]));
  send(record({ type: "returned" }));
  arrived(await reading);
  receiveSync();
}

async function run(job, timersOfAuthor) {
  const author = new AsyncFunction(`${STRICT}${job.text}\n//# sourceURL=${SOURCE}`);
  const value = await author();
  const open = openCalls();
  if (open > 0) throw unawaited(open, (inFlight ?? first).failure);
  returned = true;
  const truncated = sendResult(value, job.limits, send);
  // Deno tells of a rejection at the end of the round in which the first answer may already have come.
  await turn();
  await turn();
  await timersOfAuthor.runOut();
  finish(record({ type: "done", truncated }));
}

const NEVER = "the script waits for a promise that can never resolve";

// Deno cannot load its timers once its globals are gone, and loads them with whatever a prototype has become.
const NAMES_TIMERS = /Timeout|Interval|debounce|throttle|delay|defer/;
const namesTimers = (job) => apply(test, NAMES_TIMERS, [job.text]);

// What an engine's prelude makes its globals with, given a request's parameters.
const makers = new NativeMap();
const host = freeze({ call, openCalls, addResultSet, DatabaseError, nothingElse, similar, readsField: (read) => { readField = read; } });

function makerOf(prelude) {
  if (!makers.has(prelude)) makers.set(prelude, new PlainFunction("host", prelude)(host));
  return makers.get(prelude);
}

// The first use of a function compiles it: better while the child waits in the pool than while a person does.
async function warmUp(preludes) {
  const round = timer("setTimeout");
  await new NativePromise((resolve) => round(resolve, 0));
  parse(decode(encode("{}")));
  sendResult([{ text: "", number: 1, date: new NativeDate(0), list: [1] }], { rows: 1, bytes: 1000 }, frameOf);
  await new AsyncFunction(`${STRICT}return 1`)();
  for (const prelude of preludes) makerOf(prelude);
  namesTimers({ text: "" });
}

// Parses one text after the other and runs none. Without frames of a stack, and with its name before the text, the place
// of a syntax error is V8's own.
function parseOnly(order) {
  NativeError.stackTraceLimit = 0;
  let found = null;
  uncaught = ({ error, lineno, colno }) => {
    found = record({ message: error.message, line: lineno, column: colno });
  };
  for (; ; order = receiveSync()) {
    found = null;
    try {
      new AsyncFunction(`//# sourceURL=${SOURCE}\n${STRICT}${order.parse}\n`);
    } catch (error) {
      report(error);
    }
    send(found ?? record({ message: null }));
  }
}

// What does not depend on the script. Returns the timers it may be given.
function prepare(loadsTimers) {
  listen("unhandledrejection", (event) => {
    event.preventDefault();
    if (!leftovers) crash(event.reason);
  });
  listen("error", (event) => {
    event.preventDefault();
    uncaught(event);
  });
  listen("beforeunload", () => crash(new NativeError(NEVER)));
  const timersOfAuthor = makeTimers();
  if (loadsTimers) timersOfAuthor.load();
  removeGlobals();
  timersOfAuthor.give();
  give("console", makeConsole());
  return timersOfAuthor;
}

function begin(job, timersOfAuthor) {
  secret = encode(job.secret);
  const began = now();
  // Whole milliseconds, as Date.now() has them: a script gets no finer clock than that.
  give("performance", freeze({ now: () => now() - began, timeOrigin: began }));
  give("require", makeRequire(setPrototypeOf(job.modules, null), setPrototypeOf(job.allowed, null)));
  const world = makerOf(job.prelude)(job.parameters);
  for (const name of keys(world)) give(name, world[name]);
  apply(then, run(job, timersOfAuthor), [undefined, crash]);
}

// A script that waits already is begun at once; one that is still to come finds everything ready.
async function main() {
  const { ahead, preludes } = receiveSync();
  if (ahead) await warmUp(preludes);
  const waiting = ahead ? null : receiveSync();
  const timersOfAuthor = prepare(ahead || namesTimers(waiting));
  const job = waiting ?? receiveSync();
  if (job.parse !== undefined) parseOnly(job);
  if (namesTimers(job)) timersOfAuthor.allow();
  begin(job, timersOfAuthor);
}

apply(then, main(), [undefined, crash]);
