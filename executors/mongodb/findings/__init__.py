"""What a target adds to what a command's text tells: one small function a finding, all in two tuples.

A function looks at one command (`Looked`) and yields what certainly holds of the collections as they were asked about;
of what it does not know it says nothing. What a sample shows is told as that of a sample.
"""

from __future__ import annotations

from typing import Final

from executors.mongodb.findings import fields, searching
from executors.mongodb.findings.looked import Look

# Against the names in a command.
OF_NAMES: Final[tuple[Look, ...]] = (fields.unknown_fields,)
BESIDES: Final[tuple[Look, ...]] = (
    fields.loses_fields,
    fields.other_kinds,
    searching.late_match,
    searching.looks_up_without_index,
    searching.narrows_little,
    searching.scans_collection,
    searching.sorts_without_index,
    searching.which_of_several,
)
