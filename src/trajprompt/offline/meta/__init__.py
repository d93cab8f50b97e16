"""Meta-learning from offline data of several tasks: FOCAL and Batch PEARL."""
