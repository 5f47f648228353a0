"""Every picture, one idea a file, in one palette."""
