"""The portal's settings, and an application that makes a run stop where its request's ticket says."""

from portal.settings import *  # noqa: F403 -- all of them
from portal.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "queries.tests.faults.apps.FaultsConfig"]
