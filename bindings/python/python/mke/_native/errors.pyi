TABLE: list[tuple[str, str, list[str]]]
