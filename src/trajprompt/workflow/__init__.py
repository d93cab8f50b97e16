"""The only code that knows Snakemake."""
