"""Models of other libraries, and functions of the user, as video models."""
