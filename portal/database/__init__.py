"""The portal's own database, as Django has PostgreSQL but for one question less a request."""
