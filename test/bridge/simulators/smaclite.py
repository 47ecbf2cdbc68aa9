"""SMAClite is not installed, whatever this machine has, for simulators.test.ts."""

raise ModuleNotFoundError("No module named 'smaclite'", name="smaclite")
