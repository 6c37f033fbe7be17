// All that Deno itself reads: it takes the trusted half (bootstrap.js) as the first frame off standard input, and runs
// it. A module's text is read twice, by Deno for its imports and by V8; that of a function only by V8.

const { stdin } = Deno;

function read(count) {
  const bytes = new Uint8Array(count);
  for (let got = 0; got < count; ) {
    const more = stdin.readSync(bytes.subarray(got));
    if (more === null) throw new Error("the portal is gone");
    got += more;
  }
  return bytes;
}

const length = new DataView(read(4).buffer).getUint32(0);
new Function(new TextDecoder().decode(read(length)))();
