"""Cases, what was traced of them, and the notices sent."""
