"""gradtape as a tool of GradBench (https://github.com/gradbench/gradbench)."""
