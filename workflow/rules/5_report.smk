rule ptdt:
    localrule: True
    input:
        rules.evaluate_all.input,
