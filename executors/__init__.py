"""Engines, runners and the script sandbox: plain Python, no Django.

The only package that imports a database driver or starts a process.
"""
