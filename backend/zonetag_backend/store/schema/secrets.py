"""Data keys of people and of the stock of tags, each sealed under the key-encryption key."""
