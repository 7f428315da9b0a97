"""The methods of `Client`, written by tools/make_client.py from `mke.client._calls`."""
