"""The calls of the API, each said once. `Client` and `AsyncClient` have a method for each, written by `tools/make_client.py`."""
