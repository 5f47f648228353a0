"""Every picture. They read plain numbers and names; colors are in `palette`, texts in `words`."""
