"""Stands before any real Gymnasium on the path of a test: as if there were none."""

raise ModuleNotFoundError("No module named 'gymnasium'", name="gymnasium")
