"""Corrections of a movie: drift, flat field, background, bleaching, bleed-through."""
