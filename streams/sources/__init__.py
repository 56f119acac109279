"""Wire formats, one file each: a parsed document in, drafts of events out. Pure; ``registry`` lists them."""
