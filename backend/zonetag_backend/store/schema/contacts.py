"""Contact logs of tags and what was said over the link."""
