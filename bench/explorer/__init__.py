"""A site of django-sql-explorer's own, for `bench.peers`; it runs in a virtual environment of its own."""
