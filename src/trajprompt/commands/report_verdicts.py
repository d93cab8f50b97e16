"""Writers of the parts of a report that judge the papers' claims; see `report_parts`."""

import argparse

from trajprompt.artifacts.csv_files import write_csv
from trajprompt.settings.stages import ReportSettings


def write_claims(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the papers' claims, each with its verdict, and the power of the run."""
    import pandas as pd

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.claims import read_ledger
    from trajprompt.report.numbers.judge import judge
    from trajprompt.report.numbers.plan import read_plan
    from trajprompt.report.numbers.power import power_table
    from trajprompt.report.pages.claims_markdown import claims_markdown
    from trajprompt.report.pages.html import from_markdown, write_page
    from trajprompt.report.pages.power_markdown import power_markdown
    from trajprompt.report.read.budgets import Shares
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.published import Published
    from trajprompt.report.read.run import load_run

    ledger = read_ledger(settings.papers)
    plan = read_plan(settings.papers, ledger)
    tables = {claim.table for claim in ledger.claims}
    printed = {
        name: Published(printed_files(settings.papers, f"{name}.csv")) for name in tables
    }
    run = load_run(
        settings,
        args.evaluations,
        args.stores,
        random_policies=args.random_policies,
        offline=args.offline,
    )
    shares = Shares(settings.papers, args.adaptations, run.learning, args.pretraining)
    table = judge(ledger, run, printed, plan, shares)
    power = power_table(table, plan)
    write_csv(args.out / "claims.csv", table)
    # A table has at least one row, also if a single seed has no power.
    none = pd.DataFrame({"suite": ["all"], "contrasts": [0]})
    write_csv(args.out / "power.csv", none if power.empty else power)
    text = f"# The papers' claims\n\n{claims_markdown(ledger, table, run, plan)}"
    powers = f"# Power of the run\n\n{power_markdown(power, plan)}"
    write_text(args.out / "claims.md", text)
    write_text(args.out / "power.md", powers)
    page = from_markdown(f"{text}\n{powers}")
    write_page(args.out / "pages" / "claims.html", "Claims", page)


def write_opening(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Draw the primary contrasts of ``args.claims``, and write the report's opening.

    ``front.html`` is the part of a page that opens Snakemake's report.
    """
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.findings import labels, read_findings
    from trajprompt.report.pages.html import write_page
    from trajprompt.report.pages.opening import opening
    from trajprompt.report.plots.headline_figure import draw_headline
    from trajprompt.report.read.cells import parse_entries
    from trajprompt.report.read.papers import list_papers
    from trajprompt.report.read.tables import read_table

    table = read_table(args.claims, "trajprompt report claims", ["verdict", "paper"])
    rows = read_findings(args.claims)
    entries = {entry.id: entry for entry in parse_entries(settings.entries)}
    papers = {paper.source: paper.name for paper in list_papers(settings.papers)}
    write_csv(args.out / "tables" / "headline.csv", rows)
    drawing = args.out / "figures" / "headline"
    plain = {name: entry.label for name, entry in entries.items()}
    draw_headline(rows, plain, papers, drawing)
    body = opening(rows, table, labels(entries), papers, drawing.with_suffix(".svg"))
    write_text(args.out / "front.html", body)
    title = f"Findings of the run {settings.run}"
    write_page(args.out / "pages" / "opening.html", title, f"<h1>{title}</h1>\n{body}")
