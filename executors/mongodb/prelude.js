// What a script on a MongoDB target gets: the body of a function (host) that returns its globals.
// Values travel as canonical Extended JSON, so that every BSON type arrives as it left.
"use strict";

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const inspected = Symbol.for("Deno.customInspect");

// Each class shows itself as mongosh would write it, and becomes canonical Extended JSON in JSON.stringify.
class Value {
  [inspected]() {
    return this.toString();
  }
}

class ObjectId extends Value {
  #hex;
  constructor(hex) {
    super();
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
  constructor(value) {
    super();
    this.#value = BigInt.asIntN(64, BigInt(value));
    if (this.#value !== BigInt(value)) throw new RangeError("a Long has 64 bits");
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
  constructor(value) {
    super();
    this.#value = Number(value) | 0;
    if (this.#value !== Number(value)) throw new RangeError("an Int32 is a whole number of 32 bits");
  }
  valueOf() { return this.#value; }
  toString() { return String(this.#value); }
  toJSON() { return { $numberInt: String(this.#value) }; }
}

const doubleText = (value) => (Object.is(value, -0) ? "-0.0" : Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value));

class Double extends Value {
  #value;
  constructor(value) {
    super();
    this.#value = Number(value);
  }
  valueOf() { return this.#value; }
  toString() { return String(this.#value); }
  toJSON() { return { $numberDouble: doubleText(this.#value) }; }
}

class Decimal128 extends Value {
  #text;
  constructor(text) {
    super();
    this.#text = String(text);
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^-?inf(inity)?$|^nan$/i.test(this.#text)) throw new TypeError("not a decimal number");
  }
  toString() { return this.#text; }
  toJSON() { return { $numberDecimal: this.#text }; }
  [inspected]() { return `Decimal128("${this.#text}")`; }
}

class Binary extends Value {
  constructor(bytes, subType = 0) {
    super();
    this.buffer = Uint8Array.from(bytes);
    this.subType = Number(subType);
    if (!(this.subType >= 0 && this.subType <= 255)) throw new RangeError("a subtype is one byte");
  }
  toString() { return `Binary("${base64(this.buffer)}", ${this.subType})`; }
  toJSON() { return { $binary: { base64: base64(this.buffer), subType: this.subType.toString(16).padStart(2, "0") } }; }
}

class UUID extends Binary {
  constructor(text = crypto.randomUUID()) {
    const digits = String(text).replaceAll("-", "");
    if (!/^[0-9a-f]{32}$/i.test(digits)) throw new TypeError("a UUID is 32 hexadecimal digits");
    super(digits.match(/../g).map((pair) => Number.parseInt(pair, 16)), 4);
  }
  toString() { return hexadecimal(this.buffer).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"); }
  [inspected]() { return `UUID("${this}")`; }
}

class Timestamp extends Value {
  constructor({ t, i }) {
    super();
    this.t = Number(t);
    this.i = Number(i);
  }
  toString() { return `Timestamp({ t: ${this.t}, i: ${this.i} })`; }
  toJSON() { return { $timestamp: { t: this.t, i: this.i } }; }
}

class BSONRegExp extends Value {
  constructor(pattern, options = "") {
    super();
    this.pattern = String(pattern);
    this.options = [...String(options)].sort().join("");
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

// A JavaScript value as canonical Extended JSON.
function toExtended(value, depth = 0) {
  if (depth > 100) throw new RangeError("a document is nested more than 100 levels deep, or contains itself");
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "string": case "boolean": return value;
    case "bigint": return new Long(value).toJSON();
    case "number":
      return Number.isInteger(value) && value >= -INT32 && value < INT32 && !Object.is(value, -0)
        ? { $numberInt: String(value) } : { $numberDouble: doubleText(value) };
    case "object": break;
    default: throw new TypeError(`a ${typeof value} cannot be stored in MongoDB`);
  }
  if (value instanceof Value) return value.toJSON();
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError("an invalid Date cannot be stored in MongoDB");
    return { $date: { $numberLong: String(value.getTime()) } };
  }
  if (value instanceof RegExp) {
    return new BSONRegExp(value.source, value.flags.replace(/[^imsux]/g, "")).toJSON();
  }
  if (value instanceof Uint8Array) return new Binary(value).toJSON();
  if (Array.isArray(value)) return value.map((item) => toExtended(item, depth + 1));
  const made = {};
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined) put(made, key, toExtended(value[key], depth + 1));
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

const documents = ({ documents: text }) => JSON.parse(text).map(fromExtended);

function payload(collection, method, args, modifiers = []) {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count -= 1;
  return {
    collection,
    method,
    args: JSON.stringify(args.slice(0, count).map((value) => toExtended(value))),
    modifiers: modifiers.map(({ name, values }) => ({ name, args: JSON.stringify(values.map((value) => toExtended(value))) })),
  };
}

const run = async (...call) => documents(await host.call("run", payload(...call)));

class Cursor {
  #collection;
  #method;
  #args;
  #modifiers = [];
  constructor(collection, method, args) {
    this.#collection = collection;
    this.#method = method;
    this.#args = args;
    Object.freeze(this);
  }
  #add(name, ...values) {
    this.#modifiers.push({ name, values });
    return this;
  }
  sort(order) { return this.#add("sort", order); }
  limit(number) { return this.#add("limit", number); }
  skip(number) { return this.#add("skip", number); }
  project(fields) { return this.#add("projection", fields); }
  projection(fields) { return this.#add("projection", fields); }
  hint(index) { return this.#add("hint", index); }
  collation(options) { return this.#add("collation", options); }
  maxTimeMS(milliseconds) { return this.#add("maxTimeMS", milliseconds); }
  comment(text) { return this.#add("comment", text); }
  toArray() { return run(this.#collection, this.#method, this.#args, this.#modifiers); }
  async count() { return (await run(this.#collection, this.#method, this.#args, [...this.#modifiers, { name: "count", values: [] }]))[0].count; }
  async explain(...verbosity) { return (await run(this.#collection, this.#method, this.#args, [...this.#modifiers, { name: "explain", values: verbosity }]))[0]; }
  async forEach(each) { for await (const document of this) await each(document); }
  async map(each) {
    const made = [];
    for await (const document of this) made.push(await each(document));
    return made;
  }
  async *[Symbol.asyncIterator]() {
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

function collection(name) {
  if (typeof name !== "string" || name === "") throw new TypeError("the name of a collection is a string");
  const made = {
    find: (...args) => new Cursor(name, "find", args),
    aggregate: (...args) => new Cursor(name, "aggregate", args.length ? args : [[]]),
  };
  for (const method of Object.keys(METHODS)) made[method] = async (...args) => METHODS[method](await run(name, method, args));
  return Object.freeze(made);
}

return {
  db: Object.freeze({ collection, getCollection: collection }),
  ObjectId, Long, Int32, Double, Decimal128, Binary, UUID, Timestamp, BSONRegExp, MinKey, MaxKey,
  NumberLong: (value) => new Long(value),
  NumberInt: (value) => new Int32(value),
  NumberDecimal: (value) => new Decimal128(value),
  ISODate: (text) => (text === undefined ? new Date() : new Date(text)),
};
