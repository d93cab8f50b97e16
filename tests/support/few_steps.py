"""Overlay of a preset: few steps on cheetah-vel; networks, tasks and batches stay."""

FEW_STEPS = """
suites: [cheetah-vel]
seeds: [0]
collect:
  cheetah-vel:
    options:
      episodes_per_task: 6
      rows_per_task: 3
      random_episodes: 3
      greedy_episodes: 0
      updates_per_step: 0.02
    quality_episodes: 3
    expert_at_least: null
    random_at_most: null
pretrain:
  demonstrations: 2
  suites:
    cheetah-vel: { steps: 3, warmup_steps: 2, validation_every: 3 }
methods:
  full-finetune:
    options: { iterations: 2, steps_per_iteration: 1 }
    suite_options: { cheetah-vel: { snapshots: [1] } }
  ptdt-offline: { options: { iterations: 1, steps_per_iteration: 1 } }
  ptdt-online: { options: { iterations: 1, steps_per_iteration: 1 } }
  soft-prompt: { options: { iterations: 1, steps_per_iteration: 1 } }
  adaptor: { options: { iterations: 1, steps_per_iteration: 1 } }
  lora: { options: { iterations: 1, steps_per_iteration: 1 } }
  prefix-tuning: { options: { iterations: 1, steps_per_iteration: 1 } }
  prompt-diffuser:
    options: &generator { iterations: 1, steps_per_iteration: 1, pretraining_steps: 2 }
  prompt-vae: { options: *generator }
"""
