"""Scripts: JavaScript in a confined child, whose database calls are run here, on the session of the execution."""
