"""Names and signs that pass for others, in every language; people's own languages are welcome."""

# ruff: noqa: RUF001 - statements on one line; letters and signs that look like others are what this is about
from __future__ import annotations

import pytest

from executors import lookalikes
from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, Language, Severity, Verified
from executors.postgresql.reading.analysis import read
from executors.text import scripts_of

CAPE = "саре"  # all Cyrillic


def sql(statement: str) -> Analysis:
    return read(statement, (), Access.READ).analysis


def codes(found: Analysis, *, severity: Severity | None = None) -> list[str]:
    return [f.code.value for f in found.findings if severity is None or f.severity is severity]


@pytest.mark.parametrize(
    ("statement", "looks"),
    [
        pytest.param(f"select * from {CAPE}", "cape", id="name-05"),
        (f'select * from shop."{CAPE}"', "cape"),
        (f"select {CAPE} from orders", "cape"),
        (f"with {CAPE} as (select 1) select 1 from {CAPE}", "cape"),
        (f"select o.{CAPE} from orders o", "cape"),
        ("select * from orders с", "c"),
        ("select * from ｏｒｄｅｒｓ", "orders"),
        ("select * from 𝐨𝐫𝐝𝐞𝐫𝐬", "orders"),
        ("select * from ΑΒΕ", "ABE"),
        ('select * from U&"\\0441\\0430\\0440\\0435"', "cape"),
        (f"select имя from {CAPE} join cape on true", "cape"),
        ("select * from orderſ", "orders"),
        ("select * from ordıs", "ordis"),
        ("select * from ɡroup", "group"),
        ("select * from ﬁles", "files"),
        ("select ñ from orderſ", "orders"),
        ("select ışık from sınıf join sinif on true", "sinif"),
        ("select * from ꓳꓣꓓꓰꓣ", "ORDER"),
        ("select * from ᴄars", "cars"),
        ("select * from 𐐬𐐽", "oc"),
    ],
)
def test_name_that_looks_like_a_latin_one(statement: str, looks: str) -> None:
    found = [f for f in sql(statement).findings if f.code == "lookalike_name" and f.severity is Severity.WARNING]
    assert f"“{looks}”" in found[0].message
    assert found[0].line is not None
    assert Verified.NO_LOOKALIKE_NAMES not in sql(statement).verified


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT имя, возраст FROM сотрудники WHERE возраст > 30",
        "SELECT сорт, рост FROM товары",
        "SELECT όνομα FROM πελάτες",
        "SELECT 名前 FROM 従業員 e WHERE id = 1",
        "SELECT naïve, größe FROM café",
        "SELECT u.имя FROM сотрудники u WHERE u.id = 1",
        "SELECT ısı, ışık FROM sınıf",
        "SELECT nº, m², x₁ FROM œuvres",
        f"SELECT '{CAPE}' AS name FROM orders -- {CAPE} – “так”",
        f"/* {CAPE} */ SELECT 1",
        "SELECT اسم FROM عملاء",
    ],
)
def test_peoples_own_language_is_nobodys_disguise(statement: str) -> None:
    found = sql(statement)
    assert codes(found) == []
    assert Verified.NO_LOOKALIKE_NAMES in found.verified


def test_names_in_other_letters_beside_latin_ones_are_a_note() -> None:
    found = sql("SELECT total FROM orders JOIN сотрудники s USING (id)")
    assert codes(found) == ["lookalike_name"]
    assert found.findings[0].severity is Severity.INFO


@pytest.mark.parametrize(
    ("statement", "code", "shown"),
    [
        pytest.param('SELECT 1 FROM U&"\\202Estomers"', "bidi_control", "<U+202E>stomers", id="name-02"),
        ('SELECT U&"a\\200Bb" FROM orders', "invisible_character", "a<U+200B>b"),
        ('SELECT 1 AS U&"\\00A0"', "odd_white_space", "<U+00A0>"),
        ("SELECT 1 FROM u&\"a!2066b\" UESCAPE '!'", "bidi_control", "a<U+2066>b"),
        ('SELECT o.U&"\\+0E0041" FROM orders o', "invisible_character", "<U+E0041>"),
        ('SELECT 1 FROM U&"us\\0435rs"', "mixed_scripts", "usеrs"),
    ],
)
def test_hidden_characters_in_an_escaped_name(statement: str, code: str, shown: str) -> None:
    found = [f for f in sql(statement).findings if f.code == code]
    assert shown in found[0].message
    unclaimed = Verified.NO_LOOKALIKE_NAMES if code == "mixed_scripts" else Verified.NO_HIDDEN_CHARACTERS
    assert unclaimed not in sql(statement).verified


SIGNS = [
    ("SELECT “a” FROM orders", '"', 2),
    ("SELECT * FROM orders WHERE name = ‘x’", "'", 2),
    ("SELECT 5 − 3", "-", 1),
    ("SELECT 5 – 3", "-", 1),
    ("SELECT 1 — a comment", "-", 1),
    ("SELECT count（id） FROM orders", "(", 1),
    ("SELECT a， b FROM orders；", ",", 1),
    ("SELECT * FROM orders WHERE a ≥ 3", ">=", 1),
    ("SELECT * FROM orders WHERE a ≠ 3", "<>", 1),
    ("SELECT * FROM orders WHERE a ＝ １", "=", 1),
    ("SELECT 2 × 3", "*", 1),
    ("SELECT «a» FROM orders", '"', 2),
    ("SELECT 1\u037e", ";", 1),
]


@pytest.mark.parametrize(("statement", "plain", "times"), SIGNS, ids=[f"page-06 {s[0]}" for s in SIGNS])
def test_sign_that_is_not_the_keyboards(statement: str, plain: str, times: int) -> None:
    """page-06"""
    found = [f for f in sql(statement).findings if f.code == "lookalike_character" and f"the {plain} that" in f.message]
    assert len(found) == times
    assert found[0].hint.startswith(f"Write {plain} instead")
    assert statement[(found[0].column or 0) - 1] in found[0].message


@pytest.mark.parametrize(
    "statement", ["SELECT '“a” − ≥'", 'SELECT 1 AS "a – b"', "SELECT 1 -- don’t", "SELECT $$（$$ /* × */"]
)
def test_any_sign_may_stand_in_texts_names_in_quotes_and_comments(statement: str) -> None:
    assert "lookalike_character" not in codes(sql(statement))


@pytest.mark.parametrize(
    ("language", "engine", "statement", "expected"),
    [
        (Language.MONGO, EngineKind.MONGODB, "db.c.find({a: “x”})", ["lookalike_character"] * 2),
        (Language.MONGO, EngineKind.MONGODB, "db.c.find({a: −1})", ["lookalike_character"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.{CAPE}.find({{a: 1}})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.getCollection('{CAPE}').find({{a: 1}})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, "db.c.find({a: '“x” – y'}) // “z”", []),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.find({{{CAPE}: 1, total: 2}})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.find({{'{CAPE}.name': 1}})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, r"db.c.find({'\u0441\u0430\u0440\u0435': 1})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.find({{a: 1}}).sort({{{CAPE}: 1}})", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.aggregate([{{$group: {{_id: '$a.{CAPE}'}}}}])", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.aggregate([{{$unset: ['{CAPE}']}}])", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.distinct('{CAPE}')", ["lookalike_name"]),
        (Language.MONGO, EngineKind.MONGODB, "db.c.find({имя: 'x', total: 2, naïve: 3})", []),
        (Language.MONGO, EngineKind.MONGODB, f"db.c.find({{a: '{CAPE}', b: '$5 {CAPE}'}})", []),
        (Language.SCRIPT, EngineKind.MONGODB, f"return db.c.find({{'{CAPE}': 1}}).toArray()", ["lookalike_name"]),
        (Language.SCRIPT, EngineKind.MONGODB, f"return db.c.find({{{CAPE}: 1}}).toArray()", ["lookalike_name"]),
        (
            Language.SCRIPT,
            EngineKind.MONGODB,
            f"return db.collection('{CAPE}').find({{}}).toArray()",
            ["lookalike_name"],
        ),
        (
            Language.SCRIPT,
            EngineKind.MONGODB,
            f"return db.c.aggregate([{{$sortByCount: '${CAPE}'}}]).toArray()",
            ["lookalike_name"],
        ),
        (Language.SCRIPT, EngineKind.MONGODB, f"return db.c.find({{a: '{CAPE}'}}).toArray()", []),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "return db.query(‘select 1’)", ["lookalike_character"] * 2),
        (Language.SCRIPT, EngineKind.POSTGRESQL, f"const {CAPE} = 1; return {CAPE}", ["lookalike_name"]),
        (Language.SCRIPT, EngineKind.POSTGRESQL, f"return db.query('select * from {CAPE}')", ["lookalike_name"]),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "// don’t – “really”\nreturn '“x”'", []),
    ],
)
def test_every_language(language: Language, engine: EngineKind, statement: str, expected: list[str]) -> None:
    found = analyse(language, engine, statement, (), Access.READ)
    assert [code for code in codes(found) if code.startswith("lookalike")] == expected
    named = "lookalike_name" in expected or "lookalike_character" in expected
    assert (Verified.NO_LOOKALIKE_NAMES in found.verified) is not named


@pytest.mark.parametrize("statement", ["db.c.find({'usеrs': 1})", "db.c.find({usеrs: 1})"])
def test_key_of_mixed_letters_is_told_once(statement: str) -> None:
    for language, text in ((Language.MONGO, statement), (Language.SCRIPT, f"return {statement}.toArray()")):
        found = analyse(language, EngineKind.MONGODB, text, (), Access.READ)
        assert codes(found, severity=Severity.WARNING) == ["mixed_scripts"]
        assert Verified.NO_LOOKALIKE_NAMES not in found.verified


def test_every_script_that_has_lookalikes_is_told_when_it_is_mixed_with_latin() -> None:
    """Lisu was not."""
    for letter in filter(str.isalpha, lookalikes.LETTERS):
        assert scripts_of(letter), f"U+{ord(letter):04X}"


@pytest.mark.parametrize(
    ("language", "engine", "statement"),
    [
        pytest.param(Language.MONGO, EngineKind.MONGODB, "db.cars.find({“a”: 1})", id="page-06"),
        (Language.MONGO, EngineKind.MONGODB, "db.cars.find({a: 1，b: 2})"),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "return （1）"),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "const a = 5; return a − 3"),
    ],
)
def test_sign_that_javascript_cannot_read_refuses_the_text(
    language: Language, engine: EngineKind, statement: str
) -> None:
    found = analyse(language, engine, statement, (), Access.READ)
    assert "lookalike_character" in codes(found, severity=Severity.ERROR)
    assert Verified.SYNTAX not in found.verified


@pytest.mark.parametrize(
    ("language", "engine", "statement"),
    [
        (Language.MONGO, EngineKind.MONGODB, "db.cars.find({a: '“x” – （1）', b: /it’s/, c: \"‘\"}) // −1"),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "/* – */ return ['“x”', `it’s ${1} –`, /（/] // …"),
        (Language.SCRIPT, EngineKind.POSTGRESQL, "const ñ = 'é', имя = 2; return ñ"),
    ],
)
def test_sign_in_a_text_or_a_comment_is_left_alone(language: Language, engine: EngineKind, statement: str) -> None:
    found = analyse(language, engine, statement, (), Access.READ)
    assert "lookalike_character" not in codes(found)
    assert Verified.SYNTAX in found.verified


@pytest.mark.parametrize("character", ["\ue000", "\uf8ff", "\U000f0000", "\U0010fffd"])
def test_name_06_private_use_character(character: str) -> None:
    for statement in (f'select 1 as "a{character}"', f"select 1 as a{character}"):
        found = sql(statement)
        assert "invisible_character" in codes(found, severity=Severity.ERROR)
        assert Verified.NO_HIDDEN_CHARACTERS not in found.verified
    found = sql(f"select '{character}'")
    assert codes(found, severity=Severity.WARNING) == ["invisible_character"]
    assert found.valid
