"""Wiring: settings, URLs, WSGI, error mapping, health. No model, no rule."""
