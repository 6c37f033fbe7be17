"""The manual of the script language: one source for the fold beside the editor and for docs/scripts.md."""

# ruff: noqa: E501 - examples as people write them stand on one line
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A script that runs as it stands, on a target of `engine` with a table or collection `items` (1 to 3)."""

    engine: str
    title: str
    text: str
    writes: bool = False

    @property
    def product(self) -> str:
        """The name of its engine."""
        return NAMES[self.engine]


RULES = (
    ("A script", "The body of an async function. What it returns is the result; the whole of it is one transaction. Await every database call: one that is still open when the script returns fails the run."),
    ("db on PostgreSQL", "db.query(text, [values]) gives {rows, fields, rowCount}, db.one(…) the one row, db.iterate(…) rows one after the other. db.attempt(async () => { … }) is a savepoint: what fails in it is taken back, and the script may go on if it catches the error around it."),
    ("db on MongoDB", 'db.items, db.getCollection("items") and db.collection("items") are the same; db.listCollections() and db.getCollectionNames() list them. find and aggregate give cursors: toArray, forEach, map, hasNext, next, for await. A failed write gives the transaction up: there are no savepoints.'),
    ("Values of PostgreSQL", "int8, such as count(*), is a number within ±(2⁵³ - 1) and a BigInt beyond. Smaller whole numbers and floats are numbers, json is its value, bool a boolean; numeric, dates, times and all others are text, exactly as the server writes them: with {dates: true} as third argument a timestamptz is a Date, to the millisecond, whose .text is what the server wrote."),
    ("Values of MongoDB", "ObjectId(), ISODate(), NumberLong(), NumberInt(), NumberDecimal(), UUID() with or without new. Numbers and dates are JavaScript's; a 64-bit integer is a Long, which counts as a number where that is exact."),
    ("Parameters", "params.name is a value of the request, of its type: as a column of that type is read on PostgreSQL (a decimal, a date, a time and a UUID are text), as a field of it is on MongoDB (Decimal128, Date in UTC to the millisecond, UUID). A list is an array, NULL is null. Pass it on as a value: db.query('… $1', [params.name])."),
    ("Errors", "e.code is the SQLSTATE (\"23505\") or MongoDB's number (11000), beside e.detail, e.hint, e.constraint, e.table, e.column, e.position, or e.keyPattern and e.keyValue."),
    ("Around it", "console.log with %s %d %o %j, console.table, count, time, group; performance.now() and timers; require() of the modules that the target allows. No files, no network, no other process."),
    ("Limits", "The time, row and byte limits of the target, 10,000 database calls, 8 cursors at once, 100,000 rows or 8 MiB an answer (iterate beyond), 1 MB of console."),
)  # fmt: skip

EXAMPLES = (
    Example("postgresql", "Rows", "return await db.query('select id, name from items where id < $1', [3])"),
    Example("postgresql", "One value", "const {count} = await db.one('select count(*) from items')\nreturn count"),
    Example("postgresql", "More rows than fit", "let sum = 0\nfor await (const {id} of db.iterate('select id from items')) sum += id\nreturn sum"),
    Example("postgresql", "A list as a parameter", "return await db.query('select name from items where id = any($1)', [[1, 2]])"),
    Example("postgresql", "A write for each row", "for (const [id, name] of [[1, 'a'], [2, 'b']])\n  await db.query('update items set name = $2 where id = $1', [id, name])", writes=True),
    Example("postgresql", "One bad row need not end it", "for (const id of [1, 7]) {\n  try {\n    await db.attempt(() => db.query('insert into items values ($1)', [id]))\n  } catch (e) {\n    if (e.code !== '23505') throw e\n    console.warn('%d is there already', id)\n  }\n}", writes=True),
    Example("mongodb", "Documents", "return await db.items.find({_id: {$lt: 3}}).sort({_id: 1}).toArray()"),
    Example("mongodb", "A field of each", "return await db.items.find({name: {$ne: null}}).map(d => d.name).toArray()"),
    Example("mongodb", "Step by step", "const cursor = db.items.find({_id: {$gt: 0}})\nlet n = 0\nwhile (await cursor.hasNext()) n += (await cursor.next())._id\nreturn n"),
    Example("mongodb", "A write for each", "for await (const d of db.items.find({name: null}))\n  await db.items.updateOne({_id: d._id}, {$set: {seen: ISODate('2026-01-31')}})", writes=True),
)  # fmt: skip

NAMES = {"postgresql": "PostgreSQL", "mongodb": "MongoDB"}


def markdown() -> str:
    """The whole of it, as docs/scripts.md holds it."""
    rules = "\n".join(f"- **{title}.** {text}" for title, text in RULES)
    shown = "\n".join(
        f"\n### {example.product}: {example.title.lower()}\n\n```js\n{example.text}\n```" for example in EXAMPLES
    )
    return f"# Scripts\n\n{rules}\n\n## Examples\n{shown}\n"
