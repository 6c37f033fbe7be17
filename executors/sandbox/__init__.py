"""Processes confined by the operating system: Landlock, seccomp, namespaces and resource limits."""
