"""Putting documents back as they were: the statement that does it, what it carries, and how it runs."""
