"""`python -m advvid`, the same as `advvid`."""

from advvid.cli.app import main

if __name__ == "__main__":
    main()
