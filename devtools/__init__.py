"""What a developer's machine needs around the portal: embedded servers, sample data, the demo. Never deployed."""
