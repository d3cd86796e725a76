"""Live: detect, classify and draw on a camera, a video file or a web page."""
