"""The classes of `mke.errors`, by the library whose errors they are."""
