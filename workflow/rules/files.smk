# Input files of the rules, by cell, table, figure, video and paper.


def read_by_figure(figure, what, pattern):
    """``pattern`` for all cells of a figure, if its kind reads these files."""
    return cells_of(figure, pattern) if reads(figure, what) else []


def backbones_read(figure, pattern):
    """``pattern`` for all backbones of a figure's cells, if its kind reads them."""
    pairs = table_cells.backbones(config, (figure,))
    return _of_backbones(pattern, pairs) if reads(figure, "backbones") else []


def stores_read(figure):
    """Trajectories of a figure's suites, if its kind reads them."""
    return stores_of(figure) if reads(figure, "stores") else []


def reads(figure, what):
    return what in plot_inputs.READS[config["figures"][figure]["kind"]]


def cell_backbone(wildcards):
    pattern = backbone_of(wildcards.suite, wildcards.condition)
    return pattern.replace("{seed}", wildcards.seed)


def backbone_of(suite, condition):
    """Pattern of the backbones of a condition on a suite, with ``{seed}``."""
    backbone = config["conditions"][condition]["backbone"]
    return f"results/{RUN}/2_pretrain/{suite}/{backbone}/seed{{seed}}.safetensors"


def backbones_of_cell(wildcards):
    """Backbones of all seeds of a cell, for `stacked.smk`."""
    return per_seed(backbone_of(wildcards.suite, wildcards.condition))


def per_seed(pattern):
    """``pattern`` with every seed of the run in place of its wildcard."""
    return [pattern.replace("{seed}", str(seed)) for seed in config["seeds"]]


def suites_of(table):
    """Suites of the cells of a table or figure."""
    return {cell[0] for cell in table_cells.cells(config, (table,))}


def every_cell(pattern, seeds=None):
    """``pattern`` for every cell of the run and every seed."""
    return _filled(pattern, table_cells.cells(config), seeds or config["seeds"])


def cells_of(table, pattern, seeds=None):
    """``pattern`` for every cell of one table or figure and every seed."""
    return _filled(
        pattern, table_cells.cells(config, (table,)), seeds or config["seeds"]
    )


def cells_of_video(video, pattern):
    """``pattern`` for the panels of a video, film by film."""
    return [
        pattern.format(
            run=RUN,
            suite=suite,
            seed=config["seeds"][0],
            backbone=config["conditions"][entry["condition"]]["backbone"],
            condition=entry["condition"],
            method=entry["method"],
        )
        for suite in VIDEOS[video]
        for entry in map(config["entries"].get, config["videos"][video]["entries"])
    ]


def _filled(pattern, cells, seeds):
    return [
        pattern.format(
            run=RUN, suite=suite, condition=condition, method=method, seed=seed
        )
        for suite, condition, method in cells
        for seed in seeds
    ]


def backbones_of_run(pattern, offline=None):
    """``pattern`` for every backbone that a cell needs, and every seed.

    ``offline``: only those of offline algorithms, or only the others.
    """
    pairs = [
        (suite, backbone)
        for suite, backbone in table_cells.backbones(config)
        if offline in (None, pretraining_values.is_offline(config, backbone))
    ]
    return _of_backbones(pattern, pairs)


def _of_backbones(pattern, pairs):
    return [
        pattern.format(run=RUN, suite=suite, backbone=backbone, seed=seed)
        for suite, backbone in pairs
        for seed in config["seeds"]
    ]


def stores_of(table):
    """Trajectories of a table's suites."""
    suites = suites_of(table)
    path = f"results/{RUN}/1_collect/{{}}/trajectories.h5"
    return [path.format(suite) for suite in config["suites"] if suite in suites]


def printed(*names):
    """Files of published values with these names, of all papers."""
    return [path for name in names for path in printed_files(config["papers"], name)]


def paper_outputs(paper):
    """Output files of the tables and figures of a paper, or of no paper (None)."""
    return [
        outputs_of(name)
        for name in (*TABLES, *FIGURES)
        if table_cells.shown(config, name).get("paper") == paper
    ]


def outputs_of(name):
    """Outputs of the rule ``name`` as plain paths, without their marks for the HTML report."""
    return [str(path) for path in workflow.get_rule(name).output]


def learning_curves(name, title):
    """Outputs of a figure of learning curves, for the HTML report."""
    about = {
        "caption": f"../report/{name}.rst",
        "category": CATEGORY["Figures"],
        "subcategory": THIS_RUN,
    }
    folder = f"results/{RUN}/5_report"
    return [
        f"{folder}/figures/{name}.png",
        io.report(
            f"{folder}/figures/{name}.svg",
            labels=report_labels(title, "picture"),
            **about,
        ),
        io.report(
            f"{folder}/tables/{name}.csv",
            labels=report_labels(title, "raw data"),
            **about,
        ),
    ]
