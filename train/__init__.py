"""Train: YOLO-classification and ResNet recipes on snapshots, runs kept and compared."""
