"""What a job works with: settings of the stages, options, and how they are read."""
