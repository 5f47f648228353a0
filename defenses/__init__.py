"""Defenses of video classifiers, one a file."""

from advvid.defenses.aat import AdaptiveStep, AdaptiveTrainer, AdaptiveTraining
from advvid.defenses.at import AdversarialStep, AdversarialTrainer, AdversarialTraining
from advvid.defenses.cat import CurriculumTrainer, CurriculumTraining, curriculum, curriculum_step
from advvid.defenses.core.adaptive_choices import Choice, adaptive_probabilities, budget_choices
from advvid.defenses.core.budgets import read_budget, read_budgets
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.core.hold_out import hold_out
from advvid.defenses.core.pgd_check import pgd_check
from advvid.defenses.core.schedules import Schedule, as_schedule, read_schedule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET, half, read_step_rule
from advvid.defenses.core.trainer import DefenseTrainer
from advvid.defenses.core.training_attack import TrainingAttack
from advvid.defenses.fast import FastTrainer, FastTraining, fast_step
from advvid.defenses.free import FreeStep, FreeTrainer, FreeTraining
from advvid.defenses.registry import DEFENSES, build_defense, read_defense
from advvid.defenses.trades import (
    TradesStep,
    TradesTrainer,
    TradesTraining,
    kl_divergence,
    trades_attack,
    trades_loss,
)

__all__ = [
    "DEFENSES",
    "EQUAL_TO_BUDGET",
    "AdaptiveStep",
    "AdaptiveTrainer",
    "AdaptiveTraining",
    "AdversarialStep",
    "AdversarialTrainer",
    "AdversarialTraining",
    "Choice",
    "CurriculumTrainer",
    "CurriculumTraining",
    "Defense",
    "DefenseTrainer",
    "FastTrainer",
    "FastTraining",
    "FreeStep",
    "FreeTrainer",
    "FreeTraining",
    "Prepared",
    "Schedule",
    "TradesStep",
    "TradesTrainer",
    "TradesTraining",
    "TrainingAttack",
    "adaptive_probabilities",
    "as_schedule",
    "budget_choices",
    "build_defense",
    "curriculum",
    "curriculum_step",
    "fast_step",
    "half",
    "hold_out",
    "kl_divergence",
    "pgd_check",
    "read_budget",
    "read_budgets",
    "read_defense",
    "read_schedule",
    "read_step_rule",
    "trades_attack",
    "trades_loss",
]
