"""Statements that run outside a transaction: run, watched, and asked of the catalogue what became of them."""
