"""The backend's end of the tags' link (SPEC.md section 12): what is said, and whom to call when.  Pure."""
