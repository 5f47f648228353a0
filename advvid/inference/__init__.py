"""Running a model: frozen, in micro-batches, on its device."""
