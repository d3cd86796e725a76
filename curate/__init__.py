"""Curate: faces, duplicates, consensus, leak-free splits and exports."""
