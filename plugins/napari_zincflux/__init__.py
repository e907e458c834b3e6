"""zincflux in napari: opens movies, finished results and simulated samples."""
