"""An application whose only purpose is to break a running portal."""

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """Wraps the functions a run goes through."""

    name = "queries.tests.faults"

    def ready(self) -> None:
        """Install the points, once the models are loaded."""
        from queries.tests.faults import points  # noqa: PLC0415 -- it imports models

        points.install()
