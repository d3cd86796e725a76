"""Collect: photos and video frames from Flickr, videos, folders and the drawn sample."""
