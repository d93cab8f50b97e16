"""Writers of the parts of a report: read files of a run, compute, write tables and pages.

Every writer writes into the folder ``args.out``; ``args`` has the files that
`trajprompt report` explains. Raises TrajpromptError for missing or damaged files.
"""

import argparse
from pathlib import Path

from trajprompt.artifacts.csv_files import write_csv
from trajprompt.settings.stages import ReportSettings

SIZES = "sizes.csv"  # published numbers of parameters, in the folder of a paper


def write_table(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write a table for ``last`` and ``best``, its per-task table and its figure."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.cell_table import cell_table, task_table
    from trajprompt.report.pages.html import table_page, write_page
    from trajprompt.report.pages.table_markdown import table_markdown, task_markdown
    from trajprompt.report.plots.table_figure import draw_table
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.run import load_run

    printed = printed_files(settings.papers, f"{settings.table}.csv")
    sizes = Path(settings.papers) / settings.paper / SIZES
    files = args.evaluations, args.stores, args.adaptations, printed
    run = load_run(settings, *files, sizes if sizes.is_file() else None)
    tables, name = args.out / "tables", settings.table
    for checkpoint, suffix in (("last", ""), ("best", "_best")):
        table = cell_table(run, checkpoint)
        write_csv(tables / f"{name}{suffix}.csv", table)
        write_text(tables / f"{name}{suffix}.md", table_markdown(table, run, checkpoint))
    per_task = task_table(run)
    write_csv(tables / f"{name}_tasks.csv", per_task)
    write_text(tables / f"{name}_tasks.md", task_markdown(per_task))
    draw_table(cell_table(run), run, args.out / "figures" / name)
    write_page(args.out / "pages" / f"{name}.html", run.title, table_page(tables / name))


def write_curves(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the learning curves of stages 1 and 2."""
    from trajprompt.report.numbers import learning
    from trajprompt.report.plots import learning as plots

    figures = args.out / "figures"
    collected = learning.collection_table(args.stores)
    if not collected.empty:
        write_csv(args.out / "tables" / "collection.csv", collected)
        plots.draw_collection(collected, figures / "collection")
    if args.teachers:
        taught = learning.teacher_table(args.teachers)
        write_csv(args.out / "tables" / "teachers.csv", taught)
        plots.draw_teachers(taught, figures / "teachers")
    if args.pretraining:
        pretrained = learning.pretraining_table(args.pretraining)
        write_csv(args.out / "tables" / "pretraining.csv", pretrained)
        plots.draw_pretraining(pretrained, figures / "pretraining")
    if args.offline:
        learned = learning.offline_table(args.offline, args.stores)
        write_csv(args.out / "tables" / "offline_learning.csv", learned)
        labels = {entry["backbone"]: entry["label"] for entry in settings.entries}
        plots.draw_offline(learned, labels, figures / "offline_learning")


def write_aggregate(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Compare the methods of all suites, then those of the suite with the most methods."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.aggregate import blocks, joined, profile_table
    from trajprompt.report.pages.aggregate_markdown import aggregate_markdown
    from trajprompt.report.pages.html import from_markdown, picture, write_page
    from trajprompt.report.plots.aggregate_figure import draw_aggregate
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.run import load_run

    table = args.suites_of
    printed = printed_files(settings.papers, f"{table}.csv") if table else []
    run = load_run(
        settings,
        args.evaluations,
        args.stores,
        published=printed,
        random_policies=args.random_policies,
    )
    found = blocks(run)
    profiles = [profile_table(run, block.found) for block in found]
    tables = args.out / "tables"
    write_csv(tables / "aggregate.csv", joined([block.means for block in found]))
    write_csv(tables / "improvement.csv", joined([block.beats for block in found]))
    write_csv(tables / "profiles.csv", joined(profiles))
    text = f"# All methods over all suites\n\n{aggregate_markdown(found, run)}"
    write_text(tables / "aggregate.md", text)
    drawing = args.out / "figures" / "aggregate"
    draw_aggregate(found[0].means, profiles[0], found[0].beats, drawing)
    page = from_markdown(text) + picture(drawing.with_suffix(".svg"), "all methods")
    write_page(args.out / "pages" / "aggregate.html", "All methods", page)


def write_variance(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write where the variance comes from, and what is left to gain."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.headroom import headroom_table, starts_table
    from trajprompt.report.numbers.variance import variance_table
    from trajprompt.report.pages.headroom_markdown import headroom_markdown
    from trajprompt.report.pages.html import from_markdown, write_page
    from trajprompt.report.pages.variance_markdown import variance_markdown
    from trajprompt.report.read.run import load_run

    random = {"random_policies": args.random_policies}
    run = load_run(settings, args.evaluations, args.stores, **random)
    variance, headroom, starts = variance_table(run), headroom_table(run), starts_table(run)
    tables = {"variance": variance, "headroom": headroom}
    if not starts.empty:
        tables["varied_starts"] = starts
    for name, table in tables.items():
        write_csv(args.out / "tables" / f"{name}.csv", table)
    texts = {
        "variance": variance_markdown(variance, run),
        "headroom": headroom_markdown(headroom, starts, run),
    }
    for name, text in texts.items():
        write_text(args.out / "tables" / f"{name}.md", text)
        title = name.capitalize()
        write_page(args.out / "pages" / f"{name}.html", title, from_markdown(text))


def write_episodes(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write all evaluation episodes of the run as one compressed table."""
    from trajprompt.artifacts.csv_files import write_compressed_csv
    from trajprompt.report.read.episodes import EPISODES_FILE, joined_episodes

    table = joined_episodes([*args.evaluations, *args.random_policies])
    write_compressed_csv(args.out / EPISODES_FILE, table)


def write_compute(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write time, memory and simulator steps of every stage; CPU time of every cell."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.compute import RunFiles, compute_table
    from trajprompt.report.numbers.method_costs import EVALUATE, TUNE, cost_table
    from trajprompt.report.pages.compute_markdown import compute_markdown, cost_markdown
    from trajprompt.report.pages.html import from_markdown, write_page

    made = RunFiles(
        args.stores,
        args.pretraining,
        args.adaptations,
        args.evaluations,
        args.random_policies,
        args.teachers,
    )
    table = compute_table(made)
    cells = cost_table({TUNE: made.adaptations, EVALUATE: made.evaluations})
    write_csv(args.out / "compute.csv", table)
    write_csv(args.out / "compute_cells.csv", cells)
    stages = compute_markdown(table, settings.run)
    text = f"# What the run cost\n\n{stages}\n{cost_markdown(cells)}"
    write_text(args.out / "compute.md", text)
    write_page(args.out / "pages" / "compute.html", "Compute", from_markdown(text))


def write_record(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the report's provenance: configuration, code, libraries, machine and files."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import REPORT_RECORD
    from trajprompt.config.cells import suites, videos
    from trajprompt.report.numbers.plan import plan_record
    from trajprompt.report.pages.html import write_page
    from trajprompt.report.pages.record import run_record
    from trajprompt.report.pages.summary import record_page, summary, to_csv

    attributes = provenance("report", args.run_config, args.inputs)
    missing = set(videos(args.run_config)) - {path.stem for path in args.outputs}
    shown = suites(args.run_config)
    lines = summary(args.run_config, shown, attributes, args.outputs, sorted(missing))
    short, page = args.out / "summary.csv", args.out / "pages" / "record.html"
    write_text(short, to_csv(lines))
    write_page(page, "What made it", record_page(lines, args.run_config, attributes))
    path = args.out / REPORT_RECORD
    outputs, plan = [*args.outputs, short, page], plan_record(args.run_config["papers"])
    write_text(path, run_record(attributes, path, outputs, plan))
