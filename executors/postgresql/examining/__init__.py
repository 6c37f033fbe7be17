"""What a login may do on its server, and how the server is set, held against what the portal wants of both."""
