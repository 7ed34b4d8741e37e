"""One file for each page: what it reads, its context and its JSON twin."""
