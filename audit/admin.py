"""Audit entries are not in the admin: they are read on their own page, and nobody changes them."""
