"""What Spark needs beside score.spark: the bundle as one file, and the side that runs in executors."""
