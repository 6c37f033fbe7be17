"""What keeps the portal tidy without anybody asking: settle, expire, tell, tidy; and turning over the result keys.

`loop.maintain` runs all of it on an interval; each task is also a command of its own. Everything here is safe on
several replicas at once.
"""
