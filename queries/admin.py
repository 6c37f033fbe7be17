"""Requests, decisions and executions are not in the admin: they change through the services alone."""
