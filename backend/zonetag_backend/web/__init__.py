"""The pages: read only, Vietnamese and English, each with a JSON twin.  Only here are sentences made."""
