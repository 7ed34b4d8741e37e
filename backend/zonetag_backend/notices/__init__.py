"""Notices on their way to people: when to try (pure), and the two ways out (edges)."""
