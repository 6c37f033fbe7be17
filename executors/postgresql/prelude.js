// What a script on a PostgreSQL target gets: the body of a function (host) that returns what makes its globals of
// the request's parameters.
"use strict";

const asNumber = (text) => Number(text);
// int8: a number where that is exact, else a BigInt.
const asInteger = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));
const asBoolean = (text) => text === "t";
// By the kind the portal gives each column. Everything else (numeric, dates, intervals, arrays …) stays exact as text.
const READERS = { number: asNumber, integer: asInteger, boolean: asBoolean, json: readJSON };
// What a call may ask for besides, and how it reads a column of that kind then.
const OPTIONS = { dates: ["instant", asDate] };
const MOST_LEVELS = 100;
const inspected = Symbol.for("Deno.customInspect");
const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// --- numbers of JSON ---

// A number of json or jsonb that a JavaScript number would round: its digits as text, and the same number in JSON.
class JSONNumber {
  #digits;
  constructor(digits) {
    this.#digits = digits;
    Object.freeze(this);
  }
  toString() { return this.#digits; }
  toJSON() { return JSON.rawJSON(this.#digits); }
  [inspected]() { return this.#digits; }
  [Symbol.toPrimitive](hint) {
    if (hint === "string") return this.#digits;
    throw new TypeError(`${this.#digits} does not fit a JavaScript number: use String(…) for its digits, or decimal.js`);
  }
}

// Sign, digits and power of ten: the same for every way to write one value.
function decimal(text) {
  const [, sign, whole, fraction = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const digits = (whole + fraction).replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? "0" : `${sign}${kept}e${BigInt(power) + BigInt(digits.length - kept.length - fraction.length)}`;
}

function exactNumber(source, value) {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return Number.isFinite(value) && decimal(source) === decimal(String(value)) ? value : new JSONNumber(source);
}

// Fifteen digits always fit a number; only longer ones, and powers of ten, are looked at one by one.
const MAY_ROUND = /[\d.]{16}|\d[eE][+-]?\d/;

function readJSON(text) {
  if (!MAY_ROUND.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, { source }) => (typeof value === "number" ? exactNumber(source, value) : value));
}

// --- times ---

// A timestamptz as a Date, to the millisecond; `text` is what the server wrote, and is what is shown and passed on.
class Instant extends Date {
  #text;
  #time;
  constructor(text, time) {
    super(time);
    this.#text = text;
    this.#time = time;
  }
  // A Date that was set to another time is that time.
  get text() { return this.getTime() === this.#time ? this.#text : this.toISOString(); }
  toJSON() { return this.text; }
}

const TIME = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/;

// Years before 1, infinity and what a Date does not reach stay text.
function asDate(text) {
  const found = TIME.exec(text);
  if (found === null) return text;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const away = (Number(found[9]) * 60 + Number(found[10] ?? 0)) * 60 + Number(found[11] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number((found[7] ?? "").padEnd(3, "0")));
  const time = date.getTime() - (found[8] === "-" ? -away : away) * 1000;
  return Number.isNaN(new Date(time).getTime()) ? text : new Instant(text, time);
}

// --- parameters ---

const isDecimal = (value) => typeof value.constructor === "function" && value.constructor.isDecimal?.(value) === true;
const isPlain = (value) => [null, Object.prototype].includes(Object.getPrototypeOf(value));

// What a value is, for the sentence that refuses it.
function nameOf(value) {
  if (typeof value !== "object") return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
  const name = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of class ${name.slice(0, 60)}` : "an object of a class";
}

function refuse(where, what, instead) {
  throw new TypeError(`${where} is ${what}, which cannot be sent without changing it: ${instead}`);
}

function wholeText(value, where) {
  if (!value.isWellFormed()) refuse(where, "text with half a character", "use toWellFormed() if that is meant");
  if (value.includes("\0")) refuse(where, "text with a NUL character", "PostgreSQL stores no such text");
  return value;
}

function numberText(value, where) {
  if (!Number.isFinite(value)) refuse(where, String(value), `write the text "${value}" if that is meant`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    refuse(where, `${value}, a whole number beyond those a JavaScript number tells apart`, "use a BigInt such as 9007199254740993n, or text");
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function dateText(value, where) {
  if (Number.isNaN(value.getTime())) refuse(where, "an invalid Date", "look at what it was made of");
  return value instanceof Instant ? value.text : value.toISOString();
}

function decimalText(value, where) {
  if (!value.isFinite()) refuse(where, String(value), `write the text "${value}" if that is meant`);
  return value.toFixed();
}

// The text of a value that is no container; undefined for anything else.
function scalar(value, where) {
  switch (typeof value) {
    case "string": return wholeText(value, where);
    case "number": return numberText(value, where);
    case "bigint": case "boolean": return String(value);
    case "object":
      if (value instanceof Date) return dateText(value, where);
      if (value instanceof JSONNumber) return String(value);
      return isDecimal(value) ? decimalText(value, where) : undefined;
    default: return undefined;
  }
}

// JSON text of a value, every part of it as it is; JSON.stringify would leave out or empty what it has no word for.
function jsonText(value, where, level = 0) {
  if (level > MOST_LEVELS) throw new RangeError(`${where} is nested more than ${MOST_LEVELS} levels deep, or contains itself`);
  if (value === null) return "null";
  if (typeof value === "string" || value instanceof Date) return JSON.stringify(scalar(value, where));
  const text = scalar(value, where);
  if (text !== undefined) return text;
  if (Array.isArray(value)) return `[${Array.from(value, (item, i) => jsonText(item, `${where}[${i}]`, level + 1)).join(",")}]`;
  if (typeof value !== "object" || !isPlain(value) || typeof value.toJSON === "function") refuseContainer(value, where);
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(where, "an object with a symbol as key", "name its fields in text");
  const field = (key) => `${JSON.stringify(wholeText(key, `a key of ${where}`))}:${jsonText(value[key], `${where}.${key}`, level + 1)}`;
  return `{${Object.keys(value).map(field).join(",")}}`;
}

function refuseContainer(value, where) {
  if (value === undefined) refuse(where, "undefined", "use null, or leave the field out");
  if (value instanceof Set) refuse(where, "a Set", "use an array: [...set]");
  if (value instanceof Map) refuse(where, "a Map", "use Object.fromEntries(map) or [...map]");
  refuse(where, nameOf(value), "use text, a number, a BigInt, a boolean, null, a Date, a Uint8Array, an array or a plain object");
}

function arrayLiteral(values, where) {
  const quoted = (text) => `"${text.replace(/[\\"]/g, "\\$&")}"`;
  const element = (value, i) => {
    if (Array.isArray(value)) return arrayLiteral(value, `${where}[${i}]`);
    const text = parameter(value, `${where}[${i}]`);
    return text === null ? "NULL" : quoted(text);
  };
  // Array.from sees the holes that map would skip.
  return `{${Array.from(values, element).join(",")}}`;
}

// A bound value as PostgreSQL reads it: text, or null. Raises TypeError for what has no exact text.
function parameter(value, where) {
  if (value === null) return null;
  const text = scalar(value, where);
  if (text !== undefined) return text;
  if (value instanceof Uint8Array) return `\\x${hexadecimal(value)}`;
  return Array.isArray(value) ? arrayLiteral(value, where) : jsonText(value, where);
}

// An array goes in both ways it may be meant: what the statement takes there, an array or JSON, decides.
function bound(value, index) {
  const where = `parameter ${index + 1}`;
  return Array.isArray(value) ? { array: arrayLiteral(value, where), json: jsonOrNull(value, where) } : parameter(value, where);
}

// Bytes may be elements of an array of PostgreSQL, and have no place in JSON.
function jsonOrNull(value, where) {
  try {
    return jsonText(value, where);
  } catch {
    return null;
  }
}

function request(text, parameters, options) {
  if (typeof text !== "string") throw new TypeError("the statement must be a string");
  if (!text.isWellFormed()) throw new TypeError("the statement holds half a character, which is no text");
  if (!Array.isArray(parameters)) throw new TypeError("the parameters must be an array: db.query(text, [value, …])");
  if (options === null || typeof options !== "object" || !isPlain(options)) throw new TypeError(`the options must be an object: ${OPTIONS_SHOWN}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new TypeError(`there is no option ${name.slice(0, 60)}: ${OPTIONS_SHOWN}`);
    if (typeof value !== "boolean") throw new TypeError(`the option ${name} must be true or false`);
  }
  return { text, parameters: Array.from(parameters, bound) };
}

const OPTIONS_SHOWN = "db.query(text, [value, …], {dates: true})";

// Kind of a column → what reads it.
function readersFor(options) {
  const asked = Object.keys(options).filter((name) => options[name]);
  return asked.length === 0 ? READERS : { ...READERS, ...Object.fromEntries(asked.map((name) => OPTIONS[name])) };
}

// --- results ---

// Every column has a name of its own: of two that are called count, the second is count_2.
function distinct(names) {
  const taken = new Set(names);
  const used = new Set();
  return names.map((name) => {
    let own = name;
    for (let number = 2; used.has(own); number += 1) {
      if (!taken.has(`${name}_${number}`)) own = `${name}_${number}`;
      taken.add(own);
    }
    used.add(own);
    return own;
  });
}

const named = (columns) => {
  const names = distinct(columns.map(({ name }) => name));
  return columns.map((column, i) => ({ ...column, name: names[i] }));
};

function objects(columns, rows, kinds) {
  const readers = columns.map(({ kind }) => kinds[kind]);
  return rows.map((row) => {
    const made = {};
    for (let i = 0; i < row.length; i += 1) {
      const value = row[i] !== null && readers[i] ? readers[i](row[i]) : row[i];
      const { name } = columns[i];
      if (name === "__proto__") Object.defineProperty(made, name, { value, writable: true, enumerable: true, configurable: true });
      else made[name] = value;
    }
    return made;
  });
}

async function query(text, parameters = [], options = {}) {
  const asked = request(text, parameters, options);
  const kinds = readersFor(options);
  const { columns, rows, rowCount } = await host.call("query", asked);
  const fields = named(columns);
  const result = { rows: objects(fields, rows, kinds), fields: fields.map(({ name, type }) => ({ name, type })), rowCount };
  host.addResultSet(result);
  return result;
}

async function one(text, parameters = [], options = {}) {
  const { rows } = await query(text, parameters, options);
  if (rows.length !== 1) throw new Error(`db.one: expected one row, got ${rows.length}`);
  return rows[0];
}

async function* iterate(text, parameters = [], options = {}) {
  const asked = request(text, parameters, options);
  const kinds = readersFor(options);
  const cursor = await host.call("open", asked);
  try {
    for (;;) {
      const { columns, rows, more } = await host.call("fetch", { cursor });
      yield* objects(named(columns), rows, kinds);
      if (!more) return;
    }
  } finally {
    await host.call("close", { cursor });
  }
}

// --- attempts ---

const WAIT = "Await it first: attempts and calls take turns on one connection.";

// What fails in `work` is taken back, and the script may go on. Calls that were begun before belong to nobody's attempt.
async function attempt(work, ...more) {
  if (typeof work !== "function" || more.length > 0) throw new TypeError("db.attempt takes one function: await db.attempt(async () => { … })");
  if (host.openCalls() > 0) throw new Error(`a database call was still open when db.attempt was called. ${WAIT}`);
  const number = await host.call("attempt", {});
  if (host.openCalls() > 0) {
    await host.call("keep", { attempt: number });
    throw new Error(`a database call was made beside db.attempt. ${WAIT}`);
  }
  try {
    const value = await work();
    if (host.openCalls() > 0) throw new Error("a database call was still open when the attempt ended, so the attempt was taken back. Put await before each call in it");
    await host.call("keep", { attempt: number });
    return value;
  } catch (error) {
    await host.call("take_back", { attempt: number });
    throw error;
  }
}

// --- the request's own parameters ---

// As a column of that type would be read.
const VALUES = { integer: asInteger, boolean: (text) => text === "true", json: readJSON };

function valueOf({ type, of, value }) {
  const read = VALUES[of ?? type] ?? String;
  if (value === null) return null;
  return of === undefined ? read(value) : value.map(read);
}

function paramsOf(parameters) {
  const own = parameters.map((one) => [one.name, valueOf(one)]);
  return Object.freeze(Object.create(host.nothingElse("params", own.map(([name]) => name)), Object.fromEntries(own.map(([name, value]) => [name, { value, enumerable: true }]))));
}

const METHODS = { query, one, iterate, attempt };
const db = Object.freeze(Object.assign(Object.create(host.nothingElse("db", Object.keys(METHODS))), METHODS));

return (parameters) => ({ params: paramsOf(parameters), db });
