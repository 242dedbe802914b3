"""Summary, table and figure of a debris study."""

from stmgpu.report.study.figure import plot_study
from stmgpu.report.study.summary import study_summary
from stmgpu.report.study.table import print_study, study_lines, study_table

__all__ = ["plot_study", "print_study", "study_lines", "study_summary", "study_table"]
