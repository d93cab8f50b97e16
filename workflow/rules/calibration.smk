# The plan of the calibration, and functions that derive the parameters of its rules.

from trajprompt.config.calibration import read_plan

PLAN = read_plan(config["papers"])
CALIBRATED = PLAN.cells(config)
CONDITIONS = {(suite, method): condition for suite, condition, method in CALIBRATED}


def calibrated_cell(wildcards):
    """Suite, condition, method and seed of a sweep."""
    suite, method = wildcards.suite, wildcards.method
    return suite, CONDITIONS[suite, method], method, int(wildcards.seed)


def calibrated_backbone(wildcards):
    suite, condition, _, seed = calibrated_cell(wildcards)
    return backbone_of(suite, condition).replace("{seed}", str(seed))


def calibration_folder(wildcards, output):
    return Path(output[0]).parent


def calibrate_settings(wildcards):
    return stage_settings.to_json(derive.tune(config, *calibrated_cell(wildcards)))


def signal_settings(wildcards):
    cell = wildcards.suite, wildcards.condition, "none", int(wildcards.seed)
    return stage_settings.to_json(derive.tune(config, *cell))
