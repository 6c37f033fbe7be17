"""`manage.py rotate_result_keys`: results and what runs said, under the first of `PORTAL_RESULT_KEYS`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from queries.maintenance.rotation import rotate


class Command(BaseCommand):
    """Seals stored results with the first key; may be stopped and begun again."""

    help = "Seal every stored result with the first key of PORTAL_RESULT_KEYS, so that older keys can be taken out."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rotate, and say whether the older keys can go."""
        done = rotate()
        print(f"{done.resealed} rows sealed anew with key {done.key_id}.")
        for key_id, count in sorted(done.unreadable.items()):
            print(f"{count} rows of key {key_id} cannot be opened: the key is gone, or they were changed.")
        if done.remaining > 0:
            print(f"{done.remaining} rows of older keys were written or held meanwhile; run this again.")
        if done.unreadable or done.remaining > 0:
            raise CommandError("Keep the older keys: not every row is sealed with the first one.")
        print("The older keys can be taken out of PORTAL_RESULT_KEYS.")
