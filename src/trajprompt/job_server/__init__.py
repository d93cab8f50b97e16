"""A server that imports the libraries once and forks a process for each job of a run."""

VARIABLE = "TRAJPROMPT_JOB_SERVER"  # environment variable: name of the server's socket
OFF = "off"  # value of the variable with which a run starts no server
