"""`zonetag demo`: the whole path on one machine, with a simulated office in place of the air."""
