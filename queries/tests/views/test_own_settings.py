"""The page says which zone and which order of dates held."""

from __future__ import annotations

from django.urls import reverse

from executors import processes
from queries.tests.views.conftest import SignedIn
from queries.tests.world import TargetDatabase, World


def test_zone_and_order_of_dates_are_said(world: World, target_database: TargetDatabase, client_of: SignedIn) -> None:
    """out-13."""
    processes.close()
    with target_database.connect() as owner:
        owner.execute(f"ALTER DATABASE {target_database.name} SET TimeZone = 'Europe/Berlin'")
        owner.execute(f"ALTER DATABASE {target_database.name} SET DateStyle = 'SQL, DMY'")
        try:
            query = world.executed("SELECT '2024-07-01 12:00'::timestamptz AS at, '01/02/2024'::date AS day")
        finally:
            owner.execute(f"ALTER DATABASE {target_database.name} RESET ALL")
            processes.close()
    for name in ("queries:detail", "queries:result"):
        page = client_of(world.author).get(reverse(name, args=[query.public_id])).content.decode()
        assert "<dt>Time zone</dt><dd>Europe/Berlin</dd>" in page
        assert "<dt>Dates read as</dt><dd>day, month, year</dd>" in page
        assert "2024-07-01 12:00:00+02" in page
        assert "2024-02-01" in page
    answer = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/").json()
    assert answer["execution"]["settings"]["time_zone"] == "Europe/Berlin"
