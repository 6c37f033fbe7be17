// What a script on a PostgreSQL target gets: the body of a function (host) that returns its globals.
"use strict";

const asNumber = (text) => Number(text);
const asBigInt = (text) => BigInt(text);
const asBoolean = (text) => text === "t";
// By the kind the portal gives each column. Everything else (numeric, dates, intervals, arrays …) stays exact as text.
const READERS = { number: asNumber, bigint: asBigInt, boolean: asBoolean, json: JSON.parse };
const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function arrayLiteral(values) {
  const quoted = (text) => `"${text.replace(/[\\"]/g, "\\$&")}"`;
  const element = (value) => {
    if (Array.isArray(value)) return arrayLiteral(value);
    const text = parameter(value);
    return text === null ? "NULL" : quoted(text);
  };
  return `{${values.map(element).join(",")}}`;
}

// A bound value as PostgreSQL reads it: text, or null.
function parameter(value) {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "string": return value;
    case "number": case "bigint": case "boolean": return String(value);
    case "object":
      if (value instanceof Date) return value.toISOString();
      if (value instanceof Uint8Array) return `\\x${hexadecimal(value)}`;
      if (Array.isArray(value)) return arrayLiteral(value);
      return JSON.stringify(value);
    default: throw new TypeError(`a ${typeof value} cannot be a parameter of a statement`);
  }
}

function request(text, parameters) {
  if (typeof text !== "string") throw new TypeError("the statement must be a string");
  if (!Array.isArray(parameters)) throw new TypeError("the parameters must be an array: db.query(text, [value, …])");
  return { text, parameters: parameters.map(parameter) };
}

function objects(columns, rows) {
  const readers = columns.map(({ kind }) => READERS[kind]);
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

async function query(text, parameters = []) {
  const { columns, rows, rowCount } = await host.call("query", request(text, parameters));
  const result = { rows: objects(columns, rows), fields: columns.map(({ name, type }) => ({ name, type })), rowCount };
  host.addResultSet(result);
  return result;
}

async function one(text, parameters = []) {
  const { rows } = await query(text, parameters);
  if (rows.length !== 1) throw new Error(`db.one: expected one row, got ${rows.length}`);
  return rows[0];
}

async function* iterate(text, parameters = []) {
  const cursor = await host.call("open", request(text, parameters));
  try {
    for (;;) {
      const { columns, rows, more } = await host.call("fetch", { cursor });
      yield* objects(columns, rows);
      if (!more) return;
    }
  } finally {
    await host.call("close", { cursor });
  }
}

return { db: Object.freeze({ query, one, iterate }) };
