"""A stand-in for MPE2, for simulators.test.ts."""
