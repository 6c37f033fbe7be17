"""The files that are deployed name what there is: settings, commands, probes, files, headings."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from devtools import configure
from portal.health import PROBES

ROOT = Path(settings.BASE_DIR)
DOCS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
WRITTEN = ["compose.yaml", "deploy/kubernetes.yaml", "deploy/roles.sh", ".env.example"]
WRITTEN += [str(page.relative_to(ROOT)) for page in DOCS]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUBERNETES: list[dict[str, Any]] = [*yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())]
NAME = re.compile(r"\bPORTAL_[A-Z_]+[A-Z]\b")
LINK = re.compile(r"\]\((?!https?:|<)([^)\s#]*)(#[^)\s]*)?\)")
# Read by gunicorn.conf.py.
SERVER = {"PORTAL_BIND"}


def known() -> set[str]:
    read = {variable.name for variable in configure.variables()}
    return read | {f"{name}_FILE" for name in read} | SERVER


def named(text: str) -> set[str]:
    """Variables that a text names, those of the tests left out."""
    return {name for name in NAME.findall(text) if not name.startswith("PORTAL_TEST_")}


@pytest.mark.parametrize(
    "path",
    [
        "compose.yaml",
        "deploy/kubernetes.yaml",
        "deploy/roles.sh",
        ".env.example",
        *(str(p.relative_to(ROOT)) for p in DOCS),
    ],
)
def test_only_settings_that_there_are_are_named(path: str) -> None:
    assert named((ROOT / path).read_text(encoding="utf-8")) - known() == set()


def commands() -> Iterator[list[str]]:
    """What containers run instead of what the image does."""
    yield from (
        service["command"] for service in COMPOSE["services"].values() if "manage.py" in service.get("command", ())
    )
    for part in KUBERNETES:
        for container in containers(part):
            if "command" in container:
                yield container["command"]


def containers(part: dict[str, Any]) -> list[dict[str, Any]]:
    pod = part["spec"].get("template", {}).get("spec", {})
    return [*pod.get("containers", [])]


def test_commands_exist() -> None:
    found = [*commands()]
    assert len(found) == 4
    for program, file, command in found:
        assert (program, file) == ("python", "manage.py")
        assert command in get_commands()


def test_compose_runs_two_portals_and_only_the_migration_knows_the_owner() -> None:
    services = COMPOSE["services"]
    assert {"database", "migrate", "portal1", "portal2", "maintain", "nginx"} <= services.keys()
    knows = {name for name, service in services.items() if "PORTAL_MIGRATION_DATABASE_URL" in json.dumps(service)}
    assert knows == {"migrate"}
    upstream = (ROOT / "deploy" / "upstream.conf").read_text()
    assert set(re.findall(r"^server (\w+):8000;", upstream, re.MULTILINE)) == {"portal1", "portal2"}
    assert all("profiles" in services[name] for name in services if name.startswith("sample"))


def test_compose_mounts_files_that_there_are_or_that_the_page_tells_how_to_make() -> None:
    told = (ROOT / "docs" / "install.md").read_text()
    sources = [
        volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", ())
    ]
    sources += [secret["file"] for secret in COMPOSE["secrets"].values()]
    for source in sources:
        if source in COMPOSE["volumes"]:
            continue
        made = Path(source)
        folder = f"{made.parent}/$name-password" if source.endswith("-password") else str(made)
        assert (ROOT / made).exists() or folder in told, source


def seconds(written: str) -> int:
    return int(written.removesuffix("s"))


def test_who_is_told_to_stop_is_given_the_time() -> None:
    graceful = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]
    for name in ("portal1", "portal2"):
        assert seconds(COMPOSE["services"][name]["stop_grace_period"]) > graceful
    (web,) = (
        part for part in KUBERNETES if part["kind"] == "Deployment" and part["metadata"]["name"] == "query-portal"
    )
    pod = web["spec"]["template"]["spec"]
    pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > graceful + pause


def test_probes_ask_what_is_answered() -> None:
    asked = set()
    for part in KUBERNETES:
        for container in containers(part):
            asked |= {probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")}
    assert asked == PROBES.keys()
    (web,) = (part for part in KUBERNETES if part["kind"] == "Service")
    assert web["spec"]["ports"][0]["targetPort"] == "http"


def test_the_first_start_of_the_database_is_a_script() -> None:
    subprocess.run(["sh", "-n", ROOT / "deploy" / "roles.sh"], check=True)


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), path
        if anchor and there.suffix == ".md":
            assert anchor[1:] in headings(there), f"{path}{anchor}"
