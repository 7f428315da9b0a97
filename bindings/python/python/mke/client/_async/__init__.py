"""The methods of `AsyncClient`, written by tools/make_client.py from `mke.client._calls`."""
