"""The only code that uses Snakemake."""
