// SQL as PostgreSQL cuts it: comments, values, names, words and signs. Nothing is lost: the texts of all tokens are the text.

const TOKEN =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\3\$|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$))|("(?:[^"]|"")*(?:"|$))|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|\s+|[0-9][\w.]*|\$[0-9]+|::|:=|(?:(?!--|\/\*)[~!@#^&|`?%*/<>=+-])+|[\s\S]/g;

export function tokens(text) {
  return [...text.matchAll(TOKEN)].map(([all, comment, string, , quoted, word], i, found) => ({
    text: all,
    kind: comment !== undefined ? "comment" : string !== undefined ? "string" : quoted !== undefined ? "quoted" : word !== undefined ? "word" : /^\s/.test(all) ? "space" : "sign",
    from: found[i].index,
    to: found[i].index + all.length,
  }));
}
