"""Scripts as people write them, from submission through approval to their result, on real servers and in the sandbox."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

pytestmark = [pytest.mark.mongo, pytest.mark.sandbox]
