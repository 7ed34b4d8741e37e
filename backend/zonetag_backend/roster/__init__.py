"""A list of people in a file, XLSX or CSV, read and held against the register.  Pure: nothing here writes."""
