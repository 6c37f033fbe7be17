"""The `mongo` language: one mongosh expression, read without evaluating it, and checked."""
