"""Sample requests of the demo, in every language and every status a request can rest in."""

from dataclasses import dataclass
from typing import Literal

from executors.base import Access, Language
from queries.services import Draft, Typed

Next = Literal["", "approve", "reject", "rehearse", "withdraw"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, and what happens to it. `pod` is `operations` (on `flights`) or `research` (on `world`)."""

    pod: str
    language: Language
    statement: str
    reason: str
    then: Next = ""
    comment: str = ""
    access: Access = Access.READ
    parameters: tuple[Typed, ...] = ()
    ticket: str = ""
    expects: int | None = None

    def draft(self, target: str) -> Draft:
        """The sample as its author would submit it."""
        return Draft(
            pod=self.pod,
            target=target,
            language=self.language,
            statement=self.statement.strip() + "\n",
            access=self.access,
            reason=self.reason,
            ticket=self.ticket,
            parameters=self.parameters,
            expects=self.expects,
        )


OPERATIONS = (
    Sample(
        "operations",
        Language.SQL,
        """
SELECT a.name AS carrier,
       count(*) AS flights,
       round(avg(f.dep_delay), 1) AS mean_delay,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY f.dep_delay) AS p95_delay
  FROM flights f
  JOIN airlines a USING (carrier)
 WHERE f.time_hour >= '2013-01-01' AND f.time_hour < '2013-02-01'
 GROUP BY a.name
 ORDER BY mean_delay DESC
""",
        "The punctuality report for January differs from the dashboard; I need the numbers from the source.",
        "approve",
        "Indexed range, small result.",
        ticket="OPS-101",
    ),
    Sample(
        "operations",
        Language.SQL,
        "UPDATE planes SET speed = 432 WHERE tailnum = 'N102UW' RETURNING tailnum, model, speed",
        "The registry has the cruising speed of N102UW; our import left it empty.",
        "approve",
        "One row, by primary key.",
        Access.WRITE,
        ticket="OPS-107",
    ),
    Sample(
        "operations",
        Language.SQL,
        """
SELECT carrier, 100 * count(dep_time) / (count(*) - count(dep_time)) AS flown_per_hundred_cancelled
  FROM flights
 GROUP BY carrier
""",
        "How many flights does each carrier fly for every hundred it cancels?",
        "approve",
        ticket="OPS-110",
    ),
    Sample(
        "operations",
        Language.SQL,
        "UPDATE flights SET arr_delay = arr_delay - 1",
        "Arrival times were rounded up by a minute.",
        "reject",
        "There is no WHERE clause: this would change every flight of the year. Which days were affected?",
        Access.WRITE,
    ),
    Sample(
        "operations",
        Language.SQL,
        "SELECT * FROM flights",
        "A look at the raw data.",
        "withdraw",
        "One day is enough; I will ask for that instead.",
    ),
    Sample(
        "operations",
        Language.SCRIPT,
        """
const busiest = await db.query(
  `select tailnum, count(*) as flights from flights
    where tailnum is not null group by tailnum order by flights desc limit 5`);

const report = [];
for (const { tailnum, flights } of busiest.rows) {
  const { rows } = await db.query("select manufacturer, model from planes where tailnum = $1", [tailnum]);
  console.log(`${tailnum}: ${flights} flights`);
  report.push({ tailnum, flights, plane: rows[0] ?? null });
}
return report;
""",
        "Which planes fly most, and are they in our registry at all?",
        "approve",
        "Reads only, six small queries.",
        ticket="OPS-115",
    ),
    Sample(
        "operations",
        Language.SQL,
        """
DELETE FROM weather
 WHERE origin = 'EWR'
   AND time_hour >= '2013-12-30' AND time_hour < '2013-12-31'
""",
        "The sensor at Newark was broken on 30 December; the supplier will send that day again.",
        access=Access.WRITE,
        ticket="OPS-118",
        expects=24,
    ),
    Sample(
        "operations",
        Language.SQL,
        """
UPDATE flights
   SET arr_delay = arr_delay - 5
 WHERE carrier = 'UA'
   AND time_hour >= '2013-11-28' AND time_hour < '2013-11-29'
   AND arr_delay IS NOT NULL
""",
        "United's clock at Newark was five minutes fast on Thanksgiving; its arrivals were logged too late.",
        "rehearse",
        access=Access.WRITE,
        ticket="OPS-119",
        expects=100,
    ),
    Sample(
        "operations",
        Language.SQL,
        """
SELECT time_hour, carrier, flight, origin, dep_delay
  FROM flights
 WHERE dest = :airport AND dep_delay > :minutes
 ORDER BY dep_delay DESC
 LIMIT 50
""",
        "A customer disputes a delay to Seattle; I am looking for the flight.",
        parameters=(Typed("airport", "text", "SEA"), Typed("minutes", "integer", "120")),
        ticket="OPS-121",
    ),
    Sample(
        "operations",
        Language.SQL,
        "CREATE INDEX CONCURRENTLY weather_by_hour ON weather (time_hour)",
        "The page of the weather reads the whole table for every hour it shows.",
        "approve",
        "Built while the feed goes on writing.",
        Access.MAINTENANCE,
        ticket="OPS-122",
    ),
    Sample(
        "operations",
        Language.SQL,
        "VACUUM (ANALYZE) flights",
        "Many rows of flights were corrected this week, and its plans have become slow.",
        access=Access.MAINTENANCE,
        ticket="OPS-123",
    ),
)

RESEARCH = (
    Sample(
        "research",
        Language.MONGO,
        """
db.countries.find(
  { region: "Europe" },
  { _id: 0, name: 1, capital: 1, area: 1, languages: 1 }
).sort({ area: -1 }).limit(20)
""",
        "Reference data for the European edition.",
        "approve",
    ),
    Sample(
        "research",
        Language.MONGO,
        "db.cars.updateOne({ Name: 'buick skylark 320' }, { $set: { Horsepower: 165 } })",
        "Corrected by the manufacturer's sheet.",
        "approve",
        "One document.",
        Access.WRITE,
        ticket="RES-12",
    ),
    Sample(
        "research",
        Language.MONGO,
        "db.cars.aggregate([{ $project: { Name: 1, power: { $divide: ['$Horsepower', 0] } } }])",
        "Power to weight.",
        "approve",
    ),
    Sample(
        "research",
        Language.MONGO,
        "db.cars.updateMany({}, { $set: { reviewed: true } })",
        "Mark the set as reviewed.",
        "reject",
        "Not all of it has been. Name the ones that have.",
        Access.WRITE,
    ),
    Sample(
        "research",
        Language.MONGO,
        "db.flights.countDocuments({})",
        "How large is the set?",
        "withdraw",
        "The statistics page has it.",
    ),
    Sample(
        "research",
        Language.SCRIPT,
        """
const names = ["France", "Japan", "Kenya"];
const found = await db.collection("countries").find({ name: { $in: names } }).toArray();
return found.map(({ name, capital, borders }) => ({ name, capital, neighbours: borders?.length ?? 0 }));
""",
        "Three countries for the sample page.",
        "approve",
    ),
    Sample(
        "research",
        Language.MONGO,
        """
db.flights.aggregate([
  { $match: { "dest.faa": "SEA", time_hour: { $gte: ISODate("2013-06-01"), $lt: ISODate("2013-07-01") } } },
  { $group: { _id: "$carrier.name", flights: { $sum: 1 }, delay: { $avg: "$departure.delay" } } },
  { $sort: { flights: -1 } }
])
""",
        "Who flies to Seattle in June, and how late?",
        ticket="RES-15",
    ),
)
