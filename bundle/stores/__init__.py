"""Where bundles are kept: a directory or a bucket, behind one interface."""
