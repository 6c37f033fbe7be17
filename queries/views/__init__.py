"""The pages of requests: each parses what was sent, calls one service, answers."""
