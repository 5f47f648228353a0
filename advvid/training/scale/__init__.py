"""Training that is larger than one process or one memory."""
