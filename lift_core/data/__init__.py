"""Windows, frame sources, data sets, augmentation and loaders: everything between a clip on disk and a batch."""
