"""Without napari there is no Qt either, which these files import."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("napari") else ["test_work.py"]
