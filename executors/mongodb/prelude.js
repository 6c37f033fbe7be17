// What a script on a MongoDB target gets: the body of a function (host) that returns what makes its globals of
// the request's parameters.
// Values travel as canonical Extended JSON, so that every BSON type arrives as it left.
"use strict";

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const inspected = Symbol.for("Deno.customInspect");

// A value too many would be left out in silence.
function most(count, more, name) {
  if (more.length > 0) throw new TypeError(`${name} takes at most ${count} ${count === 1 ? "value" : "values"}`);
}

// A whole number given as a BigInt, as digits in quotes, or as a number that is not rounded.
function whole(value, name) {
  if (typeof value === "bigint") return value;
  if (value instanceof Long) return value.toBigInt();
  if (value instanceof Int32) return BigInt(value.valueOf());
  if (typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0)) return BigInt(value);
  if (typeof value === "string" && /^[+-]?\d{1,40}$/.test(value)) return BigInt(value.replace(/^\+/, ""));
  throw new TypeError(`${name} takes a whole number: digits in quotes, a BigInt, or a number up to 9007199254740991`);
}

// Each class shows itself as mongosh would write it, and becomes canonical Extended JSON in JSON.stringify.
class Value {
  [inspected]() {
    return this.toString();
  }
}

class ObjectId extends Value {
  #hex;
  constructor(hex, ...more) {
    super();
    most(1, more, "ObjectId");
    if (hex !== undefined && typeof hex !== "string" && !(hex instanceof ObjectId)) throw new TypeError("ObjectId takes 24 hexadecimal digits in quotes");
    const text = hex === undefined ? hexadecimal(crypto.getRandomValues(new Uint8Array(12))) : String(hex);
    if (!/^[0-9a-f]{24}$/i.test(text)) throw new TypeError("an ObjectId is 24 hexadecimal digits");
    if (hex === undefined) {
      const seconds = Math.floor(Date.now() / 1000).toString(16).padStart(8, "0");
      this.#hex = seconds + text.slice(8);
    } else this.#hex = text.toLowerCase();
  }
  toHexString() { return this.#hex; }
  getTimestamp() { return new Date(Number.parseInt(this.#hex.slice(0, 8), 16) * 1000); }
  equals(other) { return other instanceof ObjectId && other.toHexString() === this.#hex; }
  toString() { return this.#hex; }
  toJSON() { return { $oid: this.#hex }; }
  [inspected]() { return `ObjectId("${this.#hex}")`; }
}

class Long extends Value {
  #value;
  constructor(value = 0, ...more) {
    super();
    most(1, more, "Long");
    const number = whole(value, "Long");
    this.#value = BigInt.asIntN(64, number);
    if (this.#value !== number) throw new RangeError("a Long has 64 bits");
  }
  toBigInt() { return this.#value; }
  toNumber() { return Number(this.#value); }
  valueOf() { return Number.isSafeInteger(Number(this.#value)) ? Number(this.#value) : this.#value; }
  toString() { return String(this.#value); }
  toJSON() { return { $numberLong: String(this.#value) }; }
  [inspected]() { return `Long("${this.#value}")`; }
}

class Int32 extends Value {
  #value;
  constructor(value = 0, ...more) {
    super();
    most(1, more, "Int32");
    const number = whole(value, "Int32");
    if (BigInt.asIntN(32, number) !== number) throw new RangeError("an Int32 is a whole number of 32 bits");
    this.#value = Number(number);
  }
  valueOf() { return this.#value; }
  toString() { return String(this.#value); }
  toJSON() { return { $numberInt: String(this.#value) }; }
}

const doubleText = (value) => (Object.is(value, -0) ? "-0.0" : Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value));

class Double extends Value {
  #value;
  constructor(value, ...more) {
    super();
    most(1, more, "Double");
    if (value instanceof Value) value = value.valueOf();
    const text = typeof value === "string" && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?Infinity$|^NaN$/i.test(value);
    if (typeof value !== "number" && !text) throw new TypeError("Double takes a number");
    this.#value = Number(value);
  }
  valueOf() { return this.#value; }
  toString() { return String(this.#value); }
  toJSON() { return { $numberDouble: doubleText(this.#value) }; }
}

const DECIMAL_DIGITS = 34;

class Decimal128 extends Value {
  #text;
  constructor(value, ...more) {
    super();
    most(1, more, "Decimal128");
    const numeric = typeof value === "number" && (!Number.isInteger(value) || Number.isSafeInteger(value));
    const known = typeof value === "string" || typeof value === "bigint" || value instanceof Value || value?.constructor?.isDecimal?.(value);
    if (!numeric && !known) throw new TypeError('Decimal128 takes its digits in quotes: NumberDecimal("…")');
    this.#text = Object.is(value, -0) ? "-0" : String(value);
    const [, digits] = /^[+-]?(\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,5})?$/i.exec(this.#text) ?? [];
    if (digits === undefined && !/^[+-]?inf(inity)?$|^nan$/i.test(this.#text)) throw new TypeError("not a decimal number");
    if (digits?.replace(".", "").replace(/^0+/, "").length > DECIMAL_DIGITS) throw new RangeError(`a Decimal128 has at most ${DECIMAL_DIGITS} digits`);
  }
  toString() { return this.#text; }
  toJSON() { return { $numberDecimal: this.#text }; }
  [inspected]() { return `Decimal128("${this.#text}")`; }
}

const isByte = (value) => Number.isInteger(value) && value >= 0 && value <= 255;

class Binary extends Value {
  constructor(bytes, subType = 0, ...more) {
    super();
    most(2, more, "Binary");
    const list = bytes instanceof Uint8Array || (Array.isArray(bytes) && bytes.every(isByte));
    if (!list) throw new TypeError("Binary takes a Uint8Array or an array of bytes");
    if (!isByte(subType)) throw new RangeError("a subtype is one byte");
    this.buffer = Uint8Array.from(bytes);
    this.subType = subType;
  }
  toString() { return `Binary("${base64(this.buffer)}", ${this.subType})`; }
  toJSON() { return { $binary: { base64: base64(this.buffer), subType: this.subType.toString(16).padStart(2, "0") } }; }
}

class UUID extends Binary {
  constructor(text = crypto.randomUUID(), ...more) {
    most(1, more, "UUID");
    const digits = String(text).replaceAll("-", "");
    if (!/^[0-9a-f]{32}$/i.test(digits)) throw new TypeError("a UUID is 32 hexadecimal digits");
    super(digits.match(/../g).map((pair) => Number.parseInt(pair, 16)), 4);
  }
  toString() { return hexadecimal(this.buffer).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"); }
  [inspected]() { return `UUID("${this}")`; }
}

class Timestamp extends Value {
  constructor(first = { t: 0, i: 0 }, ordinal = undefined, ...more) {
    super();
    most(2, more, "Timestamp");
    const { t, i } = ordinal === undefined && typeof first === "object" ? first : { t: first, i: ordinal };
    const parts = [t, i].map((part) => whole(part, "Timestamp"));
    if (parts.some((part) => BigInt.asUintN(32, part) !== part)) throw new RangeError("a Timestamp is two numbers of 32 bits: seconds and an ordinal");
    [this.t, this.i] = parts.map(Number);
  }
  toString() { return `Timestamp({ t: ${this.t}, i: ${this.i} })`; }
  toJSON() { return { $timestamp: { t: this.t, i: this.i } }; }
}

class BSONRegExp extends Value {
  constructor(pattern, options = "", ...more) {
    super();
    most(2, more, "BSONRegExp");
    if (typeof pattern !== "string" || typeof options !== "string") throw new TypeError("BSONRegExp takes a pattern and options in quotes");
    if (!/^[ilmsux]*$/.test(options)) throw new TypeError("the options of a BSONRegExp are out of i, l, m, s, u and x");
    if (pattern.includes("\0")) throw new TypeError("a regular expression cannot hold a NUL character");
    this.pattern = pattern;
    this.options = [...options].sort().join("");
  }
  toString() { return `/${this.pattern}/${this.options}`; }
  toJSON() { return { $regularExpression: { pattern: this.pattern, options: this.options } }; }
}

class MinKey extends Value {
  toString() { return "MinKey()"; }
  toJSON() { return { $minKey: 1 }; }
}

class MaxKey extends Value {
  toString() { return "MaxKey()"; }
  toJSON() { return { $maxKey: 1 }; }
}

// A type JavaScript has no value for (code, symbols, dates out of its range): kept as it came.
class Extended extends Value {
  #json;
  constructor(json) {
    super();
    this.#json = json;
  }
  toString() { return JSON.stringify(this.#json); }
  toJSON() { return this.#json; }
}

const INT32 = 2 ** 31;

const isPlain = (value) => [null, Object.prototype].includes(Object.getPrototypeOf(value));

function refuse(where, what, instead) {
  throw new TypeError(`${where} is ${what}, which MongoDB would not keep as it is: ${instead}`);
}

function nameOf(value) {
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of class ${name.slice(0, 60)}` : "an object of a class";
}

function wholeText(text, where) {
  if (!text.isWellFormed()) refuse(where, "text with half a character", "use toWellFormed() if that is meant");
  return text;
}

function regularExpression(value, where) {
  if (/[^ims]/.test(value.flags)) refuse(where, `a regular expression with the flags ${value.flags}`, "the server knows i, m and s; use BSONRegExp for others");
  return new BSONRegExp(value.source, value.flags).toJSON();
}

function date(value, where) {
  if (Number.isNaN(value.getTime())) refuse(where, "an invalid Date", "look at what it was made of");
  return { $date: { $numberLong: String(value.getTime()) } };
}

function long(value, where) {
  if (BigInt.asIntN(64, value) !== value) refuse(where, `${value}, more than 64 bits`, 'use NumberDecimal("…")');
  return new Long(value).toJSON();
}

const isInt32 = (value) => Number.isInteger(value) && value >= -INT32 && value < INT32 && !Object.is(value, -0);
const number = (value) => (isInt32(value) ? { $numberInt: String(value) } : { $numberDouble: doubleText(value) });

// A JavaScript value as canonical Extended JSON. Raises TypeError, with the place, for what BSON has no word for.
function toExtended(value, where, level = 0) {
  if (level > 100) throw new RangeError(`${where} is nested more than 100 levels deep, or contains itself`);
  switch (typeof value) {
    case "string": return wholeText(value, where);
    case "boolean": return value;
    case "bigint": return long(value, where);
    case "number": return number(value);
    case "undefined": return refuse(where, "undefined", "use null, or leave the field out");
    case "object": break;
    default: return refuse(where, nameOf(value), "name a value");
  }
  if (value === null) return null;
  if (value instanceof Value) return value.toJSON();
  if (value instanceof Date) return date(value, where);
  if (value instanceof RegExp) return regularExpression(value, where);
  if (value instanceof Uint8Array) return new Binary(value).toJSON();
  // Array.from sees the holes that map would skip.
  if (Array.isArray(value)) return Array.from(value, (item, i) => toExtended(item, `${where}[${i}]`, level + 1));
  return documentOf(value, where, level);
}

function documentOf(value, where, level) {
  if (value instanceof Set) refuse(where, "a Set", "use an array: [...set]");
  if (value instanceof Map) refuse(where, "a Map", "use Object.fromEntries(map)");
  if (!isPlain(value)) refuse(where, nameOf(value), "use a plain object, or the class of the BSON type that is meant");
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(where, "an object with a symbol as key", "name its fields in text");
  const made = {};
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(READERS, key) || key === "$uuid") refuse(where, `an object with the key ${key}`, "write the value with its class, such as ObjectId(\"…\")");
    put(made, wholeText(key, `a key of ${where}`), toExtended(value[key], `${where}.${key}`, level + 1));
  }
  return made;
}

function put(object, key, value) {
  if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

const READERS = {
  $oid: (text) => new ObjectId(text),
  $numberInt: Number,
  $numberDouble: Number,
  $numberLong: (text) => new Long(text),
  $numberDecimal: (text) => new Decimal128(text),
  $minKey: () => new MinKey(),
  $maxKey: () => new MaxKey(),
  $timestamp: (value) => new Timestamp(value),
  $regularExpression: ({ pattern, options }) => new BSONRegExp(pattern, options),
  $date: (value, json) => {
    const milliseconds = Number(value.$numberLong);
    return Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds) : new Extended(json);
  },
  $binary: ({ base64: text, subType }) => {
    const bytes = fromBase64(text);
    return subType === "04" && bytes.length === 16 ? new UUID(hexadecimal(bytes)) : new Binary(bytes, Number.parseInt(subType, 16));
  },
  $code: (_, json) => new Extended(json),
  $symbol: (_, json) => new Extended(json),
  $dbPointer: (_, json) => new Extended(json),
  $undefined: () => undefined,
};

// Canonical Extended JSON as JavaScript values.
function fromExtended(json) {
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map(fromExtended);
  const keys = Object.keys(json);
  if (keys.length > 0 && keys.length <= 2 && Object.hasOwn(READERS, keys[0])) return READERS[keys[0]](json[keys[0]], json);
  const made = {};
  for (const key of keys) put(made, key, fromExtended(json[key]));
  return made;
}

const readField = (name, text) => (name === "keyPattern" || name === "keyValue" ? fromExtended(JSON.parse(text)) : text);

const documents = ({ documents: text }) => JSON.parse(text).map(fromExtended);

// Options that are undefined are not there. A filter that is undefined is a mistake: left out, it would mean everything.
function given(values, call) {
  let count = values.length;
  while (count > 1 && values[count - 1] === undefined) count -= 1;
  return JSON.stringify(values.slice(0, count).map((value, i) => toExtended(value, `argument ${i + 1} of ${call}`)));
}

function payload(collection, method, args, modifiers = []) {
  return {
    collection,
    method,
    args: given(args, method),
    modifiers: modifiers.map(({ name, values }) => ({ name, args: given(values, name) })),
  };
}

const run = async (...call) => documents(await host.call("run", payload(...call)));

// --- find: the second argument is the projection in the shell, the options in the drivers ---

const FIND_OPTIONS = new Set(
  "projection sort limit skip hint collation maxTimeMS batchSize comment allowDiskUse let min max returnKey showRecordId".split(" "),
);
const COUNTING = ["limit", "skip", "batchSize", "maxTimeMS", "allowDiskUse", "returnKey", "showRecordId"];
const shows = (value) => value === 0 || value === 1 || typeof value === "boolean";

// Which of the two a document is, told by its keys and values; where both are possible it is refused.
function readsAsOptions(second) {
  if (typeof second !== "object" || second === null || !isPlain(second)) return false;
  const keys = Object.keys(second);
  if (keys.length === 0 || !keys.every((key) => FIND_OPTIONS.has(key))) return false;
  if (!keys.every((key) => shows(second[key]))) return true;
  const unclear = keys.find((key) => COUNTING.includes(key));
  if (unclear === undefined) return false;
  throw new TypeError(
    `{${unclear}: ${second[unclear]}} as second argument of find may be the option ${unclear} or the field of that name: ` +
      `write .${unclear}(…) or find(filter, {}, {${unclear}: …}) for the option, .projection({…}) for the field`,
  );
}

// (filter, projection, options), whichever way they were given.
function findArguments(args) {
  const [filter, second, ...more] = args;
  if (!readsAsOptions(second)) return args;
  if (more.length > 0) throw new TypeError("find takes the options once: find(filter, {projection: {…}, sort: {…}})");
  const { projection = {}, ...options } = second;
  return Object.keys(options).length > 0 ? [filter, projection, options] : [filter, projection];
}

class Cursor {
  #collection;
  #method;
  #args;
  #modifiers;
  #made;
  #open = { iterator: null, ahead: null };
  // `made`: the functions given to map, in their order.
  constructor(collection, method, args, modifiers = [], made = []) {
    this.#collection = collection;
    this.#method = method;
    this.#args = args;
    this.#modifiers = modifiers;
    this.#made = made;
    Object.freeze(this);
  }
  async #of(document) {
    let value = document;
    for (const each of this.#made) value = await each(value);
    return value;
  }
  #add(name, ...values) {
    this.#modifiers.push({ name, values });
    return this;
  }
  sort(...order) { return this.#add("sort", ...order); }
  limit(...number) { return this.#add("limit", ...number); }
  skip(...number) { return this.#add("skip", ...number); }
  project(...fields) { return this.#add("projection", ...fields); }
  projection(...fields) { return this.#add("projection", ...fields); }
  hint(...index) { return this.#add("hint", ...index); }
  collation(...options) { return this.#add("collation", ...options); }
  maxTimeMS(...milliseconds) { return this.#add("maxTimeMS", ...milliseconds); }
  batchSize(...number) { return this.#add("batchSize", ...number); }
  comment(...text) { return this.#add("comment", ...text); }
  pretty() { return this; }
  async toArray() {
    const found = await run(this.#collection, this.#method, this.#args, this.#modifiers);
    if (this.#made.length === 0) return found;
    const values = [];
    for (const document of found) values.push(await this.#of(document));
    return values;
  }
  async count() { return (await run(this.#collection, this.#method, this.#args, [...this.#modifiers, { name: "count", values: [] }]))[0].count; }
  async explain(...verbosity) { return (await run(this.#collection, this.#method, this.#args, [...this.#modifiers, { name: "explain", values: verbosity }]))[0]; }
  async forEach(each) { for await (const document of this) await each(document); }
  map(each) {
    if (typeof each !== "function") throw new TypeError("map takes a function");
    return new Mapped(this.#collection, this.#method, this.#args, this.#modifiers, [...this.#made, each]);
  }
  // The shell's way through a result: hasNext looks one document ahead, and next takes it.
  async hasNext() {
    this.#open.iterator ??= this[Symbol.asyncIterator]();
    this.#open.ahead ??= await this.#open.iterator.next();
    return !this.#open.ahead.done;
  }
  async next() {
    const found = await this.hasNext();
    const { value } = this.#open.ahead;
    if (found) this.#open.ahead = null;
    return found ? value : null;
  }
  async tryNext() { return this.next(); }
  async close() {
    await this.#open.iterator?.return();
  }
  async *[Symbol.asyncIterator]() {
    for await (const document of this.#documents()) yield await this.#of(document);
  }
  async *#documents() {
    // What is no collection has no cursor on the server either.
    if (this.#collection === "") {
      yield* await run(this.#collection, this.#method, this.#args, this.#modifiers);
      return;
    }
    const cursor = await host.call("open", payload(this.#collection, this.#method, this.#args, this.#modifiers));
    try {
      for (;;) {
        const answer = await host.call("fetch", { cursor });
        yield* documents(answer);
        if (!answer.more) return;
      }
    } finally {
      await host.call("close", { cursor });
    }
  }
}

// What map gives: a cursor as in the shell, and to await it is to ask for all of it.
class Mapped extends Cursor {
  then(use, fail) { return this.toArray().then(use, fail); }
  catch(fail) { return this.toArray().catch(fail); }
  finally(end) { return this.toArray().finally(end); }
}

// What the one document of an answer becomes.
const FIRST = (found) => found[0];
const FIRST_OR_NULL = (found) => found[0] ?? null;
const VALUES = (found) => found.map(({ value }) => value);
const NUMBER = (found) => Number(found[0].count);
const METHODS = {
  findOne: FIRST_OR_NULL, countDocuments: NUMBER, estimatedDocumentCount: NUMBER, distinct: VALUES,
  insertOne: FIRST, insertMany: FIRST, updateOne: FIRST, updateMany: FIRST, replaceOne: FIRST, deleteOne: FIRST,
  deleteMany: FIRST, bulkWrite: FIRST, findOneAndUpdate: FIRST_OR_NULL, findOneAndReplace: FIRST_OR_NULL,
  findOneAndDelete: FIRST_OR_NULL, getIndexes: (found) => found,
};

const CURSOR_METHODS = Object.getOwnPropertyNames(Cursor.prototype).filter((name) => name !== "constructor");
Object.setPrototypeOf(Cursor.prototype, host.nothingElse("A cursor", CURSOR_METHODS));
for (const Class of [Cursor, Mapped]) Object.freeze(Class.prototype);

const COLLECTION_METHODS = ["find", "aggregate", ...Object.keys(METHODS)];
// Named in the shell, and not here.
const INSTEAD = {
  insert: "use insertOne or insertMany", save: "use insertOne or replaceOne", update: "use updateOne or updateMany",
  remove: "use deleteOne or deleteMany", count: "use countDocuments or estimatedDocumentCount",
  findAndModify: "use findOneAndUpdate, findOneAndReplace or findOneAndDelete", indexes: "use getIndexes",
  createIndex: "submit it in the mongo language", dropIndex: "submit it in the mongo language",
  runCommand: "submit it in the mongo language", getCollectionInfos: "use listCollections().toArray()",
  attempt: "a failed call gives a MongoDB transaction up, so there is nothing to go on with: look before it, with findOne or countDocuments",
  query: "db.query is for PostgreSQL: use db.<collection>.find(…)", one: "db.one is for PostgreSQL: use db.<collection>.findOne(…)",
};

function methodsOf(name) {
  const made = {
    find: (...args) => new Cursor(name, "find", findArguments(args)),
    aggregate: (...args) => new Cursor(name, "aggregate", args.length ? args : [[]]),
    toString: () => `db.${name}`,
  };
  for (const method of Object.keys(METHODS)) {
    made[method] = async (...args) => METHODS[method](await run(name, method, method === "findOne" ? findArguments(args) : args));
  }
  return made;
}

function noMethod(what, method, known) {
  const instead = Object.hasOwn(INSTEAD, method) ? `; ${INSTEAD[method]}` : host.similar(method, known);
  throw new TypeError(`${what} has no method ${method.slice(0, 60)}${instead}`);
}

// A name that may be a collection: more names after a dot belong to it, and calling it says that there is no such method.
function collectionAt(name, methods, called) {
  const target = () => {};
  const custom = { [inspected]: () => `db.${name}` };
  return new Proxy(target, {
    apply: called,
    get(_, key) {
      if (typeof key === "symbol") return custom[key];
      if (Object.hasOwn(methods, key)) return methods[key];
      // What JavaScript itself looks for on any value.
      if (["then", "toJSON", "constructor", "valueOf", "name", "length", "prototype"].includes(key)) return undefined;
      return collectionAt(`${name}.${key}`, methodsOf(`${name}.${key}`), () => noMethod("A collection", key, COLLECTION_METHODS));
    },
    set: (_, key) => { throw new TypeError(`${String(key)} of a collection cannot be set`); },
  });
}

function collection(name, ...more) {
  if (typeof name !== "string" || name === "" || more.length > 0) throw new TypeError("the name of a collection is one text in quotes");
  return collectionAt(name, methodsOf(name), () => { throw new TypeError(`db.${name} is a collection, not a function`); });
}

function noValues(values, name) {
  if (values.length > 0) throw new TypeError(`db.${name} takes no values: filter the list that it gives`);
}

function listCollections(...values) {
  noValues(values, "listCollections");
  return new Cursor("", "getCollectionNames", []);
}

async function getCollectionNames(...values) {
  noValues(values, "getCollectionNames");
  return (await run("", "getCollectionNames", [])).map(({ name }) => name);
}

const DATABASE_METHODS = Object.freeze({ collection, getCollection: collection, listCollections, getCollectionNames, toString: () => "db" });
const db = new Proxy(Object.freeze({}), {
  get(_, key) {
    if (typeof key === "symbol" || key === "then" || key === "toJSON" || key === "constructor" || key === "valueOf") return undefined;
    if (Object.hasOwn(DATABASE_METHODS, key)) return DATABASE_METHODS[key];
    return collectionAt(key, methodsOf(key), () => noMethod("db", key, ["collection", "getCollection", "listCollections", "getCollectionNames"]));
  },
});

// The shell makes these values without `new`.
function callable(Class) {
  const made = new Proxy(Class, { apply: (target, _, args) => new target(...args) });
  Object.defineProperty(Class.prototype, "constructor", { value: made });
  return made;
}

const ISO_DATE = /^(\d{4}|[+-]\d{6})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;

// A date in UTC unless it names another zone, as in the shell; new Date(…) would guess at any other text.
function isoDate(text, ...more) {
  most(1, more, "ISODate");
  if (text === undefined) return new Date();
  const found = typeof text === "string" && ISO_DATE.exec(text);
  if (!found) throw new TypeError('ISODate takes a date in quotes: ISODate("2026-01-31T12:00:00Z")');
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "0", zone = "Z"] = found;
  const offset = zone.length === 1 ? "Z" : `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
  const made = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, "0")}${offset}`);
  if (Number.isNaN(made.getTime()) || (offset === "Z" && made.getUTCDate() !== Number(day))) throw new RangeError("there is no such date");
  return made;
}

function fromHexadecimal(digits) {
  if (typeof digits !== "string" || !/^([0-9a-f]{2})*$/i.test(digits)) throw new TypeError('HexData takes a subtype and hexadecimal text: HexData(0, "ff00")');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const newLong = (...values) => new Long(...values);
const newInt32 = (...values) => new Int32(...values);
const newDecimal128 = (...values) => new Decimal128(...values);

// The request's own parameters, each as it would come back from the database.
function paramsOf(parameters) {
  const own = Object.entries(fromExtended(JSON.parse(parameters)));
  return Object.freeze(Object.create(host.nothingElse("params", own.map(([name]) => name)), Object.fromEntries(own.map(([name, value]) => [name, { value, enumerable: true }]))));
}

const TYPES = {
  ObjectId: callable(ObjectId), Long: callable(Long), Int32: callable(Int32), Double: callable(Double),
  Decimal128: callable(Decimal128), Binary: callable(Binary), UUID: callable(UUID), Timestamp: callable(Timestamp),
  BSONRegExp: callable(BSONRegExp), MinKey: callable(MinKey), MaxKey: callable(MaxKey),
  NumberLong: callable(class NumberLong { constructor(...values) { return newLong(...values); } }),
  NumberInt: callable(class NumberInt { constructor(...values) { return newInt32(...values); } }),
  NumberDecimal: callable(class NumberDecimal { constructor(...values) { return newDecimal128(...values); } }),
  ISODate: isoDate,
  BinData: (subType, text) => new Binary(fromBase64(text), subType),
  HexData: (subType, digits) => new Binary(fromHexadecimal(digits), subType),
};

return (parameters) => {
  host.readsField(readField);
  return { db, params: paramsOf(parameters), ...TYPES };
};
