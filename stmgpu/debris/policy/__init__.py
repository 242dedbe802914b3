"""Removal policies: rankings, lists, sweeps, and the contract of your own."""

from stmgpu.debris.policy.policies import (
    CsiRemoval,
    FootprintRemoval,
    FragmentRemoval,
    ListRemoval,
    MassRemoval,
    PersistentRiskRemoval,
    Policy,
    RandomRemoval,
    RiskRemoval,
    Sweep,
    csi,
    footprint,
    policy_of,
    select_all,
)
from stmgpu.debris.policy.policy_file import load_policies
from stmgpu.debris.policy.ranking import Lower, Only, RankedRemoval
from stmgpu.debris.policy.view import Campaign, RemovalPolicy, Selection, View

__all__ = [
    "Campaign",
    "CsiRemoval",
    "FootprintRemoval",
    "FragmentRemoval",
    "ListRemoval",
    "Lower",
    "MassRemoval",
    "Only",
    "PersistentRiskRemoval",
    "Policy",
    "RandomRemoval",
    "RankedRemoval",
    "RemovalPolicy",
    "RiskRemoval",
    "Selection",
    "Sweep",
    "View",
    "csi",
    "footprint",
    "load_policies",
    "policy_of",
    "select_all",
]
