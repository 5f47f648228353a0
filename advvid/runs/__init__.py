"""What a run leaves on disk and shows while it runs; files, folders, processes, progress."""
