"""MongoDB as a target: clients, sessions, cancellation, introspection."""
