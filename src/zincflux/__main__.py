"""``python -m zincflux`` is the command line."""

from zincflux.cli import main

main()
