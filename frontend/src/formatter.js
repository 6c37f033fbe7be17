// Lays SQL out anew; loaded when somebody asks for it. What the text says stays as it was, token by token.
import { formatDialect, postgresql } from "sql-formatter";
import { tokens } from "./sql-tokens.js";

// PostgreSQL takes a sign of plus or minus at the end of an operator for one of its own, but in a few.
const OPERATOR = /^(?![^~!@#^&|`?%]*[~!@#^&|`?%])([*/<>=+-]+?)([+-]+)$/;

const said = (text) =>
  tokens(text)
    .filter((token) => token.kind !== "space")
    .flatMap(({ kind, text: own }) => {
      if (kind === "comment") return [own.replace(/\s+/g, " ").trim()];
      const cut = OPERATOR.exec(own);
      return cut ? [cut[1], ...cut[2]] : [own];
    })
    .join("\u0001");

// Raises an error where the text cannot be read, or would not say the same afterwards.
function format(text) {
  const laid = formatDialect(text, { dialect: postgresql, tabWidth: 2, keywordCase: "preserve", linesBetweenQueries: 1, paramTypes: { named: [":"] } });
  if (said(laid) !== said(text)) throw new Error("It would not say the same.");
  return laid;
}

globalThis.QueryFormatter = { format };
