"""Settings of jobs, options of methods and algorithms, and their parsing."""
